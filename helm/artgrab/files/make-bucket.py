"""Makes a bucket where it is missing, and waits for the server until it can be made."""

import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

SECONDS = 240
bucket = sys.argv[1]
config = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"total_max_attempts": 1},
    s3={"addressing_style": "path"},
)
client = boto3.client("s3", config=config)
deadline = time.monotonic() + SECONDS
while True:
    try:
        if bucket not in [one["Name"] for one in client.list_buckets()["Buckets"]]:
            client.create_bucket(Bucket=bucket)
        sys.exit(0)
    except (BotoCoreError, ClientError) as error:
        if time.monotonic() > deadline:
            sys.exit(f"bucket {bucket}: {error}")
        time.sleep(1)
