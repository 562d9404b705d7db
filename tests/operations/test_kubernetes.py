"""The manifests of Kubernetes: valid, complete, and in agreement with the process list."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.celery_config import Queue
from app.processes import MIGRATE, PROCESSES, HubProcess
from tests.operations.test_deployment import COMPOSE, OTHERS, SETTINGS, command

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
SIZES = ("small", "large")
#: Flower asks the workers of one host; a cluster has the metrics and the pages of the hub.
RUNNING = [process for process in PROCESSES if process.name != "flower"]
KUBECTL = shutil.which("kubectl")

pytestmark = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed; it puts the manifests together")


@cache
def manifests(size: str) -> tuple[dict[str, Any], ...]:
    built = subprocess.run([str(KUBECTL), "kustomize", str(FOLDER / size)], check=True, capture_output=True)
    return tuple(yaml.safe_load_all(built.stdout))


def validate(built: Iterable[dict[str, Any]]) -> None:
    import kubernetes_validate  # noqa: PLC0415 - a second of processor time for each process that collects tests

    version = kubernetes_validate.latest_version()
    for manifest in built:
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_with_a_bucket_no_pod_needs_a_shared_volume(size: str, tmp_path: Path) -> None:
    copy = shutil.copytree(FOLDER, tmp_path / "kubernetes")
    with (copy / size / "kustomization.yaml").open("a") as file:
        file.write("components: [../bucket]\n")
    built = list(yaml.safe_load_all(subprocess.check_output([str(KUBECTL), "kustomize", str(copy / size)])))
    assert {one["kind"] for one in manifests(size)} - {one["kind"] for one in built} == {"PersistentVolumeClaim"}
    validate(built)
    volumes = [each for one in built if one["kind"] == "Deployment" for each in pod(one)["volumes"]]
    assert {each["name"] for each in volumes} == {"scratch", "storage"}
    assert all(each.keys() == {"name", "emptyDir"} for each in volumes)


def of_kind(size: str, kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"].removeprefix("invoice-hub-"): one for one in manifests(size) if one["kind"] == kind}


def pod(deployment: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize("size", SIZES)
class TestEverySize:
    @pytest.mark.slow
    def test_all_manifests_are_valid(self, size: str) -> None:
        validate(manifests(size))

    @pytest.mark.parametrize("process", [MIGRATE, *RUNNING], ids=lambda process: process.name)
    def test_runs_the_processes_of_the_list(self, size: str, process: HubProcess) -> None:
        found = of_kind(size, "Job") | of_kind(size, "Deployment")
        [container] = pod(found[process.name])["containers"]
        assert container["command"] == ["python", *command(process, "/srv/hub/run")]

    def test_runs_nothing_else(self, size: str) -> None:
        assert set(of_kind(size, "Deployment")) == {process.name for process in RUNNING}

    def test_every_process_waits_for_the_migrations(self, size: str) -> None:
        for name, deployment in of_kind(size, "Deployment").items():
            [waiting] = pod(deployment)["initContainers"]
            assert waiting["command"][-4:-2] == ["hub", "wait-for-schema"], name

    def test_no_pod_has_rights(self, size: str) -> None:
        for name, owner in (of_kind(size, "Deployment") | of_kind(size, "Job")).items():
            spec = pod(owner)
            assert spec["securityContext"]["runAsNonRoot"], name
            assert spec["automountServiceAccountToken"] is False, name
            for container in [*spec["containers"], *spec.get("initContainers", [])]:
                context = container["securityContext"]
                assert context["readOnlyRootFilesystem"], name
                assert context["capabilities"] == {"drop": ["ALL"]}, name
                assert container["resources"]["limits"]["memory"], name

    def test_pods_get_the_time_that_containers_of_compose_get(self, size: str) -> None:
        for name, deployment in of_kind(size, "Deployment").items():
            grace = int(COMPOSE["services"][name]["stop_grace_period"].removesuffix("s"))
            assert pod(deployment)["terminationGracePeriodSeconds"] >= grace, name

    def test_sets_only_known_variables(self, size: str) -> None:
        [settings] = of_kind(size, "ConfigMap").values()
        assert set(settings["data"]) <= SETTINGS | OTHERS

    def test_only_web_is_reached_from_outside(self, size: str) -> None:
        assert set(of_kind(size, "Service")) == {"web"}


def test_every_queue_of_the_large_size_has_a_scale() -> None:
    scales = of_kind("large", "HorizontalPodAutoscaler")
    queues = {
        metric["external"]["metric"]["selector"]["matchLabels"]["queue"]: name
        for name, scale in scales.items()
        for metric in scale["spec"]["metrics"]
        if metric["type"] == "External"
    }
    assert queues == {queue: process.name for process in PROCESSES for queue in process.queues}
    assert set(queues) == set(Queue)
    assert set(scales) == {process.name for process in RUNNING} - {"beat"}
    for name, scale in scales.items():
        assert scale["spec"]["scaleTargetRef"]["name"] == f"invoice-hub-{name}"
