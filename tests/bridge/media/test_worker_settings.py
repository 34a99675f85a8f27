"""How a node's ports and CPUs are shared out to its workers."""

from bridge.config import BridgeConfig
from bridge.media.port_pool import ANY_PORTS
from bridge.media.settings import WorkerSettings, worker_settings


def ranges(config: BridgeConfig) -> list[tuple[int, int]]:
    return [(worker.first_port, worker.last_port) for worker in worker_settings(config)]


def test_a_range_is_cut_into_one_piece_a_worker() -> None:
    config = BridgeConfig(rtp_first_port=20_000, rtp_last_port=20_031, workers=3)
    assert ranges(config) == [(20_000, 20_009), (20_010, 20_019), (20_020, 20_029)]


def test_workers_share_no_port_without_a_range_either() -> None:
    """Where one dies, another one must not be given its ports while its far ends still send there."""
    cut = ranges(BridgeConfig(workers=7))
    assert len(cut) == 7
    assert cut[0][0] == ANY_PORTS[0]
    assert cut[-1][1] <= ANY_PORTS[1]
    assert all(first % 2 == 0 for first, _ in cut)
    assert all(last < first for (_, last), (first, _) in zip(cut, cut[1:], strict=False))


def test_a_single_worker_has_the_whole_range() -> None:
    assert ranges(BridgeConfig()) == [(0, 0)]
    assert ranges(BridgeConfig(rtp_first_port=20_000, rtp_last_port=20_031)) == [(20_000, 20_031)]


def test_each_worker_has_its_cpu() -> None:
    assert [w.cpu for w in worker_settings(BridgeConfig(workers=2, worker_cpus=(3, 1)))] == [3, 1]
    assert [w.cpu for w in worker_settings(BridgeConfig(workers=2))] == [None, None]


def test_settings_reach_the_process_as_they_are() -> None:
    (settings,) = worker_settings(BridgeConfig(worker_cpus=(0,)))
    resting = WorkerSettings(
        host="::1", first_port=4, last_port=9, calls=2, cpu=1, resting_ports=(4, 6)
    )
    for sent in (settings, resting):
        assert WorkerSettings.from_json(sent.to_json()) == sent
