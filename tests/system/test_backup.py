"""SQLite holds all state: a backup of it is a backup of Drover."""
import pytest
from drover import everywhere, restore


@pytest.mark.promise("ROAD-9")
def test_a_backup_on_an_empty_state_folder_gives_the_same_guests(drover, owner, tmp_path):
    owner.request(3)
    before = owner.guests()
    boots = everywhere(owner.boot_id, owner.names())
    owner.ssh(before[0]["name"], "echo mine >/home/mine && sync")
    backup = tmp_path / "registry.db"
    drover.ask("backup", "--registry", backup)
    assert drover.refuse(4, "backup", "--registry", backup)["message"]

    drover.stop()
    restore(drover, backup)
    drover.start()
    owner.wait_for("ready", 3)
    assert owner.guests() == before
    assert everywhere(owner.boot_id, owner.names()) == boots
    drover.ask("restart", before[0]["name"])
    assert owner.ssh(before[0]["name"], "cat /home/mine") == "mine"
    assert drover.findings() == []
