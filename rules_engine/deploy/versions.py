"""The versions of a function and the alias that says which of them works.

`publish` makes a version of a package and moves the alias to it; `move` moves the alias to a version that is
there. The mappings call the alias, so both take effect at once and as a whole, and an older version stays as
it was, with its rules and its variables. A version's rules are read out of its own package: what a label says
might be wrong.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules_engine import bundle
from rules_engine.deploy.package import BUNDLE_NAME
from rules_engine.deploy.refusals import DeploymentError, asking
from rules_engine.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rules_engine.model import RuleSet

LATEST = "$LATEST"


@dataclass(frozen=True, slots=True)
class Version:
    """`code_sha256` is the package's, in hexadecimal; `configuration` is as Lambda gives it."""

    number: str
    code_sha256: str
    configuration: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one version. `sha256` is that of the bundle, as dead letters carry it."""

    rule_set: RuleSet
    sha256: str


def rules_of_package(package: bytes) -> Rules:
    """The bundle in a package. Raises DeploymentError for a zip that `build` did not make."""
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            data = archive.read(BUNDLE_NAME)
        return Rules(bundle.load(data), hashlib.sha256(data).hexdigest())
    except (zipfile.BadZipFile, KeyError) as error:
        raise DeploymentError(f"the function's package holds no {BUNDLE_NAME}: it is none of ours") from error
    except BundleError as error:
        raise DeploymentError(f"the function's rules cannot be read: {error}") from error


@dataclass(frozen=True, slots=True)
class Versions:
    """Of one function. `client` is boto3's for Lambda; `fetch` gets what lies at a URL."""

    client: Any
    function: str
    alias: str
    fetch: Callable[[str], bytes]

    def live(self) -> Version:
        """The version that the alias names. Raises DeploymentError, with AWS's code where there is none."""
        with asking(f"read the alias '{self.alias}' of the function '{self.function}'"):
            number = self.client.get_alias(FunctionName=self.function, Name=self.alias)["FunctionVersion"]
        return self.version(number)

    def version(self, number: str) -> Version:
        with asking(f"read version {number} of the function '{self.function}'"):
            return _version(
                self.client.get_function_configuration(FunctionName=self.function, Qualifier=number)
            )

    def all(self) -> list[Version]:
        """Published versions, oldest first."""
        with asking(f"list the versions of the function '{self.function}'"):
            pages = self.client.get_paginator("list_versions_by_function").paginate(
                FunctionName=self.function
            )
            found = {each["Version"]: _version(each) for page in pages for each in page["Versions"]}
        return [found[number] for number in sorted(found.keys() - {LATEST}, key=int)]

    def before(self, live: Version) -> Version | None:
        """The newest version that is older than `live`."""
        if live.number == LATEST:
            return None
        older = [each for each in self.all() if int(each.number) < int(live.number)]
        return older[-1] if older else None

    def rules(self, version: Version) -> Rules:
        """The rules in the package of a version."""
        with asking(f"read the code of version {version.number} of the function '{self.function}'"):
            answer = self.client.get_function(FunctionName=self.function, Qualifier=version.number)
        return rules_of_package(self.fetch(answer["Code"]["Location"]))

    def move(self, number: str) -> None:
        """Puts a version into service."""
        with asking(f"move the alias '{self.alias}' of the function '{self.function}'"):
            self.client.update_alias(FunctionName=self.function, Name=self.alias, FunctionVersion=number)

    def publish(
        self, code: Mapping[str, str], package: bytes, variables: Mapping[str, str], note: str
    ) -> Version:
        """A new version with this package, in service. `code` says where it lies (S3Bucket, S3Key);
        `variables` are those of the environment that change; `note` describes the version.

        The package that Lambda took must be this one, and nobody else may have changed the function since:
        both are refused by Lambda.
        """
        sha256 = base64.b64encode(hashlib.sha256(package).digest()).decode()
        changed = self._wait_after(
            f"update the code of the function '{self.function}'",
            self.client.update_function_code,
            FunctionName=self.function,
            **code,
        )
        environment = {**changed.get("Environment", {}).get("Variables", {}), **variables}
        changed = self._wait_after(
            f"update the variables of the function '{self.function}'",
            self.client.update_function_configuration,
            FunctionName=self.function,
            Environment={"Variables": environment},
            Description=note,
            RevisionId=changed["RevisionId"],
        )
        with asking(f"publish a version of the function '{self.function}'"):
            published = self.client.publish_version(
                FunctionName=self.function,
                CodeSha256=sha256,
                Description=note,
                RevisionId=changed["RevisionId"],
            )
        self.move(published["Version"])
        return _version(published)

    def _wait_after(self, what: str, update: Any, **arguments: Any) -> dict[str, Any]:
        """What the function is like when the update is through."""
        with asking(what):
            update(**arguments)
            self.client.get_waiter("function_updated_v2").wait(
                FunctionName=self.function, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
            )
            found: dict[str, Any] = self.client.get_function_configuration(FunctionName=self.function)
        return found


def _version(configuration: Mapping[str, Any]) -> Version:
    sha256 = configuration.get("CodeSha256", "")
    try:
        code = base64.b64decode(sha256, validate=True).hex()
    except ValueError:
        code = sha256
    return Version(configuration["Version"], code, configuration)
