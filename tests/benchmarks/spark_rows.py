"""The rows of raw.training_metrics as PySpark makes them: the same files, read as JSON with a schema, to Parquet.

    python spark_rows.py LOGS OUT

It does less than the load: no management events, no ledger, no quarantine, no pseudonyms, no search for duplicates.
"""

from __future__ import annotations

import json
import sys

from pyspark import SparkContext
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

SCHEMA = """
    Records array<struct<
        eventID: string, eventTime: timestamp, eventSource: string, eventName: string, awsRegion: string,
        recipientAccountId: string, sourceIPAddress: string, userAgent: string,
        userIdentity: struct<type: string, arn: string>,
        requestParameters: struct<
            trialComponentName: string,
            metricData: array<struct<metricName: string, timestamp: bigint, step: bigint, value: double>>
        >,
        responseElements: struct<errors: array<struct<code: string, metricIndex: int>>>,
        resources: array<struct<accountId: string, type: string, ARN: string>>
    >>
"""


def write_rows(spark: SparkSession, logs: str, out: str) -> None:
    """Reads every log file below `logs` and writes one row per point that AWS took."""
    files = (
        spark.read.schema(SCHEMA)
        .option("multiLine", True)
        .option("recursiveFileLookup", True)
        .option("pathGlobFilter", "*.json.gz")
        .json(logs)
    )
    calls = files.select(f.explode("Records").alias("r"), f.col("_metadata.file_path").alias("unit_uri")).where(
        "r.eventSource = 'metrics-sagemaker.amazonaws.com' and r.eventName = 'BatchPutMetrics'"
    )
    points = calls.select("r", "unit_uri", f.posexplode("r.requestParameters.metricData").alias("point_index", "p"))
    refused = f.coalesce(f.col("r.responseElements.errors.metricIndex"), f.array().cast("array<int>"))
    points.where(~f.array_contains(refused, f.col("point_index"))).select(
        "unit_uri",
        f.col("r.eventTime").alias("event_at"),
        f.col("r.eventID").alias("event_id"),
        "point_index",
        f.col("r.requestParameters.trialComponentName").alias("trial_component_name"),
        f.col("r.resources")[0]["ARN"].alias("trial_component_arn"),
        f.col("r.recipientAccountId").alias("account_id"),
        f.col("r.awsRegion").alias("aws_region"),
        f.col("r.resources")[0]["type"].alias("resource_type"),
        f.col("p.metricName").alias("metric_name"),
        f.col("p.step").alias("step"),
        f.col("p.value").alias("metric_value"),
        f.timestamp_millis("p.timestamp").alias("metric_at"),
        f.col("r.userIdentity.arn").alias("principal_arn"),
        f.col("r.userIdentity.type").alias("principal_type"),
        f.regexp_replace("r.sourceIPAddress", r"\.\d+$", ".0/24").alias("source_network"),
        f.col("r.userAgent").alias("user_agent"),
    ).write.parquet(out)


def main() -> None:
    logs, out = sys.argv[1:]
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    write_rows(spark, logs, out)
    print(json.dumps({"java": spark._jvm.System.getProperty("java.version")}))
    java = SparkContext._gateway.proc
    spark.stop()
    java.stdin.close()  # it ends when its input does, and only who was waited for is counted
    java.wait()


if __name__ == "__main__":
    main()
