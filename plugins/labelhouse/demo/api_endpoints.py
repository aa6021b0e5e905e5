"""SageMaker's endpoints of the account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labelhouse.demo.api_training import REFUSAL, sorted_page
from labelhouse.demo.changes import EndpointState
from labelhouse.demo.cloudtrail import arn
from labelhouse.demo.region import Region
from labelhouse.demo.wire import ApiError, Parameters, operation


def _list_endpoints(region: Region, request: Parameters) -> dict[str, Any]:
    keys: dict[str, Callable[[EndpointState], Any]] = {
        "Name": lambda endpoint: endpoint.name,
        "CreationTime": lambda endpoint: (endpoint.created_at, endpoint.name),
    }
    name, wanted = request.get("NameContains", ""), request.get("StatusEquals")
    endpoints = [endpoint for endpoint in region.endpoints.values() if name in endpoint.name]
    shown, rest = sorted_page(region, endpoints, request, keys[request.get("SortBy", "CreationTime")])
    summaries = [
        {
            "EndpointName": endpoint.name,
            "EndpointArn": arn("endpoint", endpoint.name),
            "CreationTime": endpoint.created_at,
            "LastModifiedTime": endpoint.at,
            "EndpointStatus": endpoint.status,
        }
        for endpoint in shown
        if wanted in (None, endpoint.status)
    ]
    return {"Endpoints": summaries, **rest}


def _describe_endpoint(region: Region, request: Parameters) -> dict[str, Any]:
    endpoint = region.endpoints.get(request["EndpointName"])
    if endpoint is None:
        raise ApiError(REFUSAL, f'Could not find endpoint "{arn("endpoint", request["EndpointName"])}".')
    variant = {
        "VariantName": endpoint.variant_name,
        "CurrentWeight": 1.0,
        "DesiredWeight": 1.0,
        "CurrentInstanceCount": endpoint.instance_count,
        "DesiredInstanceCount": endpoint.instance_count,
    }
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": arn("endpoint", endpoint.name),
        "EndpointConfigName": endpoint.config_name,
        "ProductionVariants": [variant],
        "DataCaptureConfig": {
            "EnableCapture": True,
            "CaptureStatus": "Started",
            "CurrentSamplingPercentage": 100,
            "DestinationS3Uri": endpoint.capture_uri,
            "KmsKeyId": "",
        },
        "EndpointStatus": endpoint.status,
        "CreationTime": endpoint.created_at,
        "LastModifiedTime": endpoint.at,
    }


def _describe_endpoint_config(region: Region, request: Parameters) -> dict[str, Any]:
    """Only what runs has its configuration still."""
    name = request["EndpointConfigName"]
    endpoint = next((each for each in region.endpoints.values() if each.config_name == name), None)
    if endpoint is None:
        raise ApiError(REFUSAL, f'Could not find endpoint configuration "{arn("endpoint-config", name)}".')
    variant = {
        "VariantName": endpoint.variant_name,
        "ModelName": endpoint.model_name,
        "InitialInstanceCount": endpoint.instance_count,
        "InstanceType": endpoint.instance_type,
        "InitialVariantWeight": 1.0,
    }
    return {
        "EndpointConfigName": name,
        "EndpointConfigArn": arn("endpoint-config", name),
        "ProductionVariants": [variant],
        "CreationTime": endpoint.at,
    }


OPERATIONS = {
    "ListEndpoints": operation(
        _list_endpoints, "MaxResults", "NextToken", "SortBy", "SortOrder", "NameContains", "StatusEquals"
    ),
    "DescribeEndpoint": operation(_describe_endpoint, "EndpointName"),
    "DescribeEndpointConfig": operation(_describe_endpoint_config, "EndpointConfigName"),
}
