"""Makes a bucket where it is missing, and waits for the server until it can be made."""

import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

SECONDS = 60  # then the pod starts it again, with the credentials of then
CONFIG = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"total_max_attempts": 1},
    s3={"addressing_style": "path"},
)


def make(bucket):
    client = boto3.client("s3", config=CONFIG)  # anew: a connection may lead to a server that ends
    if bucket not in [one["Name"] for one in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=bucket)


deadline = time.monotonic() + SECONDS
told = ""
while True:
    try:
        make(sys.argv[1])
        sys.exit(0)
    except (BotoCoreError, ClientError) as error:
        if str(error) != told:
            told = str(error)
            sys.stderr.write(f"bucket {sys.argv[1]}: {told}\n")
        if time.monotonic() > deadline:
            sys.exit(4)
        time.sleep(1)  # a server that starts tells nobody when it answers
