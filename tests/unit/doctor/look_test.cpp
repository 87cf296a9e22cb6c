#include "doctor/look.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "model/error.hpp"

namespace drover::doctor {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A folder that stands for the host's root, gone with the test.
class Look : public testing::Test {
  protected:
    Look() {
        std::string pattern = testing::TempDir() + "/doctor.XXXXXX";
        tools_.system = ::mkdtemp(pattern.data());
        config_.state = tools_.system + "/var/lib/drover";
        config_.socket = tools_.system + "/run/drover.sock";
        config_.testing.boot_id = "boot";
        tools_.virsh = "/bin/false";
        write("/proc/meminfo", "MemTotal:  2048 kB\nMemAvailable:  1024 kB\nSwapTotal: 0 kB\n");
        write("/proc/sys/kernel/pid_max", "32768\n");
        write("/proc/sys/kernel/threads-max", "20000\n");
    }
    ~Look() override { fs::remove_all(tools_.system); }

    void write(const std::string& path, const std::string& text) const {
        fs::create_directories(fs::path(tools_.system + path).parent_path());
        std::ofstream(tools_.system + path) << text;
    }
    void write_virsh(const std::string& script) {
        write("/virsh", "#!/bin/sh\n" + script);
        tools_.virsh = tools_.system + "/virsh";
        ::chmod(tools_.virsh.c_str(), 0755);
    }
    [[nodiscard]] Picture picture() const { return look(config_, tools_); }

    Config config_;
    Doctor::Tools tools_;
};

TEST_F(Look, TRUST_7_TheLeastLimitOfProcessesCounts) {
    EXPECT_EQ(picture().processes.value->where, "kernel.threads-max");
    write("/sys/fs/cgroup/machine.slice/pids.max", "max\n");
    EXPECT_EQ(picture().processes.value->most, 20000);
    write("/sys/fs/cgroup/pids/pids.max", "512\n");
    EXPECT_EQ(picture().processes.value->most, 512);
    EXPECT_EQ(picture().processes.value->where, "/sys/fs/cgroup/pids/pids.max");
}

TEST_F(Look, TRUST_7_WhatIsNotThereIsHiddenWithItsReason) {
    const auto seen = picture();
    EXPECT_FALSE(seen.neighbours.value);
    EXPECT_THAT(seen.neighbours.why_not, HasSubstr("gc_thresh3"));
    EXPECT_FALSE(seen.daemon.value);
    EXPECT_THAT(seen.daemon.why_not, HasSubstr(config_.socket));
    EXPECT_EQ(seen.memory.value->available, 1 << 20);
}

TEST_F(Look, TRUST_7_ALibvirtThatFailsIsSaidWithItsOwnWords) {
    write_virsh("echo 'error: failed to connect' >&2; exit 1\n");
    const auto seen = picture().hypervisor;
    EXPECT_FALSE(seen.value);
    EXPECT_THAT(seen.why_not, HasSubstr("failed to connect"));
    EXPECT_THAT(seen.mend, HasSubstr("libvirtd -d"));
}

TEST_F(Look, ReadsTheVersionsOfLibvirtAndQemu) {
    write_virsh("echo 'Running hypervisor: QEMU 7.2.22'; echo 'Running against daemon: 9.0.0'\n");
    const auto seen = *picture().hypervisor.value;
    EXPECT_EQ(seen.libvirt, (Release{9, 0, 0}));
    EXPECT_EQ(seen.driver, "QEMU");
    EXPECT_EQ(seen.below, (Release{7, 2, 22}));
    EXPECT_FALSE(parse_version("Running against daemon: 9.0.0\n").below);
    EXPECT_THROW(parse_version("hello"), Error);
}

TEST_F(Look, TRUST_7_SeesHybridCgroupsAppArmorAndLibvirtGuests) {
    EXPECT_FALSE(picture().hybrid_cgroups || picture().apparmor.enabled || picture().libvirt_guests);
    write("/proc/self/mounts", "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n");
    write("/sys/module/apparmor/parameters/enabled", "Y\n");
    write("/run/systemd/system/x", "");
    write("/etc/systemd/system/multi-user.target.wants/x", "");
    fs::create_symlink("/lib/systemd/system/libvirt-guests.service",
                       tools_.system + "/etc/systemd/system/multi-user.target.wants/libvirt-guests.service");
    EXPECT_TRUE(picture().hybrid_cgroups && picture().apparmor.enabled && picture().libvirt_guests);
    write("/etc/libvirt/hooks/daemon.d/drover", "");
    EXPECT_FALSE(picture().libvirt_hook);
    fs::permissions(tools_.system + "/etc/libvirt/hooks/daemon.d/drover", fs::perms(0755));
    EXPECT_TRUE(picture().libvirt_hook);
}

TEST_F(Look, TRUST_7_ReadsTheRegistryAndNeverMakesOne) {
    EXPECT_EQ(picture().herd.value->guests, 0);
    EXPECT_FALSE(fs::exists(config_.state));
    write("/var/lib/drover/registry.db", "this is no database, whatever its name says");
    EXPECT_THAT(picture().herd.why_not, HasSubstr("registry.db"));
    fs::remove(config_.state + "/registry.db");
    soci::session sql(soci::sqlite3, "dbname=" + config_.state + "/registry.db");
    sql << "CREATE TABLE guests (phase TEXT, desired TEXT)";
    sql << "CREATE TABLE notes (key TEXT, value TEXT)";
    sql << "CREATE TABLE events (id BIGINT, time BIGINT, kind TEXT, message TEXT)";
    sql << "INSERT INTO guests VALUES ('ready', 'ready'), ('stopped', 'stopped'), ('gone', 'gone')";
    sql << "INSERT INTO notes VALUES ('accelerator', 'boot tcg')";
    sql << "INSERT INTO events VALUES (1, 5000, 'template-failed', 'it hangs')";
    const auto herd = *picture().herd.value;
    EXPECT_EQ(herd.guests, 2);
    EXPECT_EQ(herd.ready, 1);
    EXPECT_EQ(herd.accelerator, "tcg");
    EXPECT_EQ(herd.newest_event, Time(std::chrono::seconds(5)));
    EXPECT_EQ(herd.template_trouble, "it hangs");
    sql << "INSERT INTO events VALUES (2, 6000, 'template-made', 'tiny'), (3, 7000, 'phase', 'of a guest')";
    EXPECT_EQ(picture().herd.value->template_trouble, "");
    config_.testing.boot_id = "another";
    EXPECT_EQ(picture().herd.value->accelerator, "");
}

}  // namespace
}  // namespace drover::doctor
