"""The local stack: real server processes on loopback, no AWS account and no containers.

Everything here needs the `local` extra (`pip install 'dynamodb-rules-engine[local]'`) and nothing of it is
ever imported by the Lambda function.
"""
