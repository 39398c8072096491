"""The fakes of Secrets Manager and Parameter Store, as far as `${secret:...}` and `${ssm:...}` need them.

`FakeAws.secrets` has the text of each by the reference without its braces and key: `secret:orders-api`,
`ssm:/orders/token`. Change one there to rotate it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.testing.fake_service import FakeService, raise_error

if TYPE_CHECKING:
    from rules_engine.testing.faults import Fault


class FakeSecretsManager(FakeService):
    """`get_secret_value`."""

    service = "secretsmanager"

    def get_secret_value(self, **request: Any) -> dict[str, Any]:
        def effect(_fault: Fault | None) -> dict[str, Any]:
            text = self._aws.secrets.get(f"secret:{request['SecretId']}")
            if text is None:
                raise_error("GetSecretValue", "ResourceNotFoundException", "there is no such secret")
            return {"Name": request["SecretId"], "SecretString": text}

        return self._perform("GetSecretValue", request, effect)


class FakeSsm(FakeService):
    """`get_parameter`."""

    service = "ssm"

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        def effect(_fault: Fault | None) -> dict[str, Any]:
            text = self._aws.secrets.get(f"ssm:{request['Name']}")
            if text is None:
                raise_error("GetParameter", "ParameterNotFound", "there is no such parameter")
            return {"Parameter": {"Name": request["Name"], "Value": text}}

        return self._perform("GetParameter", request, effect)
