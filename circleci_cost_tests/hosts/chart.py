"""The keys of Dagster's Helm chart that the profile may use, from the models of its schema (`helm/dagster/schema`).

Only names of keys; `...` stands for whatever Kubernetes takes there.
"""

from typing import Any

_IMAGE = {"repository": ..., "tag": ..., "pullPolicy": ...}
_POD = dict.fromkeys(
    (
        "env", "envConfigMaps", "envSecrets", "labels", "nodeSelector", "affinity", "tolerations", "podSecurityContext",
        "securityContext", "resources", "livenessProbe", "readinessProbe", "startupProbe", "annotations",
        "schedulerName", "volumeMounts", "volumes",
    ),
    ...,
)  # fmt: skip
_PURGED = {"purgeAfterDays": dict.fromkeys(("skipped", "started", "failure", "success"), ...)}

CHART: dict[str, Any] = {
    "dagsterWebserver": {"image": _IMAGE, "service": ..., "replicaCount": ..., "enableReadOnly": ...} | _POD,
    "dagster-user-deployments": {
        "enabled": ...,
        "enableSubchart": ...,
        "imagePullSecrets": ...,
        "deployments": [
            {
                "name": ...,
                "image": _IMAGE,
                "port": ...,
                "dagsterApiGrpcArgs": ...,
                "codeServerArgs": ...,
                "includeConfigInLaunchedRuns": {"enabled": ...},
            }
            | _POD
        ],
    },
    "runLauncher": {
        "type": ...,
        "config": {
            "k8sRunLauncher": {
                "image": _IMAGE,
                "imagePullPolicy": ...,
                "jobNamespace": ...,
                "loadInclusterConfig": ...,
                "envConfigMaps": ...,
                "envSecrets": ...,
                "envVars": ...,
                "volumeMounts": ...,
                "volumes": ...,
                "labels": ...,
                "resources": ...,
                "securityContext": ...,
                "runK8sConfig": {
                    "containerConfig": ...,
                    "podSpecConfig": ...,
                    "podTemplateSpecMetadata": ...,
                    "jobSpecConfig": ...,
                    "jobMetadata": ...,
                },
            }
        },
    },
    "dagsterDaemon": {
        "image": _IMAGE,
        "runCoordinator": {
            "enabled": ...,
            "type": ...,
            "config": {"customRunCoordinator": {"module": ..., "class": ..., "config": ...}},
        },
        "heartbeatTolerance": ...,
        "runMonitoring": dict.fromkeys(
            (
                "enabled", "startTimeoutSeconds", "cancelTimeoutSeconds", "maxResumeRunAttempts",
                "pollIntervalSeconds", "freeSlotsAfterRunEndSeconds",
            ),
            ...,
        ),
        "runRetries": {"enabled": ..., "maxRetries": ...},
    }
    | _POD,
    "concurrency": {
        "enabled": ...,
        "runs": {"maxConcurrentRuns": ..., "tagConcurrencyLimits": [{"key": ..., "value": ..., "limit": ...}]},
        "pools": {"defaultLimit": ..., "granularity": ..., "opGranularityRunBuffer": ...},
    },
    "retention": {"enabled": ..., "sensor": _PURGED, "schedule": _PURGED, "autoMaterialize": _PURGED},
    "telemetry": {"enabled": ...},
    "postgresql": dict.fromkeys(
        (
            "enabled", "postgresqlScheme", "postgresqlHost", "postgresqlUsername", "postgresqlPassword",
            "postgresqlDatabase", "postgresqlParams", "service",
        ),
        ...,
    ),
    "generatePostgresqlPasswordSecret": ...,
    "global": {"postgresqlSecretName": ..., "dagsterHome": ..., "serviceAccountName": ...},
}  # fmt: skip


def unknown_keys(values: Any, known: Any, path: str = "") -> list[str]:
    """The keys of `values` that the chart does not have, as paths."""
    if known is ...:
        return []
    if isinstance(known, list):
        return [key for each in values for key in unknown_keys(each, known[0], path)]
    unknown = [f"{path}.{key}" for key in values.keys() - known.keys()]
    for key in values.keys() & known.keys():
        unknown += unknown_keys(values[key], known[key], f"{path}.{key}")
    return unknown
