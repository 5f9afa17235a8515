// SPDX-License-Identifier: Apache-2.0
// What a plugin attempts and does not get is in the result, by a witness outside of the plugin,
// with the right target; and nothing else is.
#include <algorithm>

#include "integration/sandbox/sandbox_fixture.h"

namespace vortex::testing {
namespace {

using nlohmann::json;
using sandbox::Denial;
using sandbox::SandboxResult;

class Denials : public SandboxTest {
 protected:
  static bool Sentry() { return ClassUnderTest() == oci::RuntimeClass::kGvisor; }

  SandboxResult Attempt(const json& attempts) {
    SandboxResult result = Run("denial-probe", attempts);
    EXPECT_EQ(result.termination.cause, sandbox::Cause::kOk) << Describe(result);
    outcomes_ = json::parse(result.output, nullptr, false);
    for (const sandbox::ObserverState& state : result.observation.observers) {
      EXPECT_TRUE(state.active) << state.name << ": " << state.why;
      dropped_ = state.dropped;
      // The sentry does not wait for its reader: on a busy host it drops events, and says so.
      EXPECT_EQ(state.complete, state.dropped == 0) << state.name;
      EXPECT_TRUE(state.complete || Sentry()) << state.name << ": " << state.dropped << " dropped";
    }
    EXPECT_EQ(result.observation.observers.size(), 3u);
    return result;
  }

  SandboxResult RunExample(const std::string& name, const std::string& payload) {
    sandbox::RunRequest request;
    request.plugin = std::string(std::getenv("VORTEX_SOURCE_DIR")) + "/examples/" + name;
    request.payload = payload;
    auto result = runner().Run(request);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *std::move(result) : SandboxResult();
  }

  json outcomes_;
  std::uint64_t dropped_ = 0;
};

const Denial* Find(const SandboxResult& result, const std::string& what,
                   const std::string& target) {
  for (const Denial& denial : result.denials)
    if (denial.control + "/" + denial.action == what && denial.target == target) return &denial;
  return nullptr;
}

// The record is there, was made outside of the plugin and has the errno that the plugin got.
void ExpectSeen(const SandboxResult& result, const std::string& what, const std::string& target,
                std::uint64_t count = 1) {
  const Denial* denial = Find(result, what, target);
  ASSERT_NE(denial, nullptr) << what << " " << target << " in " << Describe(result);
  EXPECT_TRUE(denial->witness == "kernel" || denial->witness == "sentry") << denial->witness;
  EXPECT_EQ(denial->count, count) << what << " " << target;
  EXPECT_NE(denial->errno_value, 0);
  EXPECT_NE(denial->rule, "");
  EXPECT_GT(denial->first_unix_ns, 1'600'000'000'000'000'000);
  EXPECT_LE(denial->first_unix_ns, denial->last_unix_ns);
}

TEST_F(Denials, ReadsPasswd) {
  const SandboxResult result = RunExample("reads-passwd", R"({"path": "/etc/passwd"})");
  EXPECT_EQ(result.termination.cause, sandbox::Cause::kPluginError);
  ExpectSeen(result, "filesystem/open", "/etc/passwd");
  EXPECT_EQ(result.denials.size(), 1u) << Describe(result);
  ASSERT_TRUE(result.denial_error.has_value());
  EXPECT_EQ(result.denial_error->target, "/etc/passwd");
  EXPECT_EQ(result.denial_error->rule, "isolation.root-filesystem");
  EXPECT_NE(result.denial_error->witness, "guest");
  EXPECT_NE(result.denial_error->allowed_by, "");
}

TEST_F(Denials, CallsHome) {
  const SandboxResult result = RunExample("calls-home", R"({"url": "http://192.0.2.1/"})");
  EXPECT_EQ(result.termination.cause, sandbox::Cause::kPluginError);
  ExpectSeen(result, "network/connect", "192.0.2.1:80");
  EXPECT_EQ(result.denials.size(), 1u) << Describe(result);
  ASSERT_TRUE(result.denial_error.has_value());
  EXPECT_EQ(result.denial_error->control, "network");
  EXPECT_EQ(result.denial_error->target, "192.0.2.1:80");
}

TEST_F(Denials, CallsHomeByName) {
  const SandboxResult result = RunExample("calls-home", R"({"url": "http://example.com/"})");
  EXPECT_EQ(result.termination.cause, sandbox::Cause::kPluginError);
  // A trace event has no payload: under gVisor the question itself is not to be seen.
  const std::string target = Sentry() ? "127.0.0.1:53" : "example.com";
  ASSERT_NE(Find(result, "network/resolve", target), nullptr) << Describe(result);
  ASSERT_TRUE(result.denial_error.has_value());
  EXPECT_EQ(result.denial_error->action, "resolve");
  EXPECT_EQ(result.denial_error->target, target);
}

TEST_F(Denials, PathsHoweverTheyAreNamed) {
  const SandboxResult result = Attempt({{"read", "/etc/absolute"},
                                        {"from_directory", "/", "etc/by-descriptor"},
                                        {"after_chdir", "/usr/lib", "../../etc/relative"},
                                        {"after_chdir", "/tmp", "../../../../../etc/dots"},
                                        {"read", "//etc/./x/../slashes"},
                                        {"in_child", "/etc/by-grandchild"},
                                        {"in_thread", "/etc/by-thread"},
                                        {"listdir", "/root"},
                                        {"creat", "/etc/created"},
                                        {"read", "/etc/twice"},
                                        {"read", "/etc/twice"}});
  for (const char* target : {"/etc/absolute", "/etc/by-descriptor", "/etc/relative", "/etc/dots",
                             "/etc/slashes", "/etc/by-grandchild", "/etc/by-thread"})
    ExpectSeen(result, "filesystem/open", target);
  ExpectSeen(result, "filesystem/open", "/root");
  ExpectSeen(result, "filesystem/write", "/etc/created");
  ExpectSeen(result, "filesystem/open", "/etc/twice", 2);
  EXPECT_EQ(result.denials.size(), 10u) << Describe(result);
}

TEST_F(Denials, ALinkIsNamedByWhatItPointsTo) {
  const SandboxResult result = Attempt(json::array(
      {json::array({"by_link", "/etc/shadow"}), json::array({"openat2", "/etc/by-openat2"})}));
  if (Sentry()) {
    // Its events have the path as it was given, and it has no openat2.
    EXPECT_TRUE(result.denials.empty()) << Describe(result);
    return;
  }
  ExpectSeen(result, "filesystem/open", "/etc/shadow");
  ExpectSeen(result, "filesystem/open", "/etc/by-openat2");
}

TEST_F(Denials, ADeviceThatNobodyGranted) {
  const SandboxResult result = Attempt(
      json::array({json::array({"read", "/dev/kvm"}), json::array({"read", "/dev/shm/none"}),
                   json::array({"read", "/dev/null"})}));
  EXPECT_EQ(outcomes_, json::array({"ENOENT", "ENOENT", "ok"}));
  ExpectSeen(result, "device/open", "/dev/kvm");
  EXPECT_EQ(result.denials.size(), 1u) << Describe(result);
  EXPECT_EQ(result.denials.at(0).rule, "isolation.devices");
}

TEST_F(Denials, WritesToReadOnlyPlaces) {
  const SandboxResult result = Attempt({{"write", "/x"},
                                        {"write", "/plugin/x"},
                                        {"truncate_open", "/plugin/main.py"},
                                        {"write", "/usr/bin/x"},
                                        {"write", "/proc/sys/kernel/hostname"},
                                        {"mkdir", "/plugin/d"},
                                        {"rename", "/plugin/main.py", "/plugin/b"},
                                        {"symlink", "/x", "/usr/l"},
                                        {"link", "/plugin/main.py", "/plugin/l"},
                                        {"link", "/plugin/main.py", "/tmp/l"},
                                        {"chmod", "/plugin/main.py", 511},
                                        {"chmod_fd", "/usr/bin/python3", 511},
                                        {"chmod", "/dev/null", 511},
                                        {"bind_unix", "/plugin/socket"},
                                        {"unlink", "/plugin/main.py"}});
  for (const char* target :
       {"/x", "/plugin/x", "/plugin/main.py", "/usr/bin/x", "/proc/sys/kernel/hostname"})
    ExpectSeen(result, "filesystem/write", target);
  if (Sentry()) {
    // Those calls have no event of their own, so no path.
    EXPECT_NE(Find(result, "filesystem/change", ""), nullptr);
    EXPECT_NE(Find(result, "filesystem/bind", "/plugin/socket"), nullptr) << Describe(result);
    return;
  }
  ExpectSeen(result, "filesystem/mkdir", "/plugin/d");
  ExpectSeen(result, "filesystem/rename", "/plugin/main.py");
  ExpectSeen(result, "filesystem/symlink", "/usr/l");
  ExpectSeen(result, "filesystem/delete", "/plugin/main.py");
  ExpectSeen(result, "filesystem/link", "/plugin/l");
  ExpectSeen(result, "filesystem/chmod", "/plugin/main.py");
  EXPECT_EQ(outcomes_[9], "EXDEV") << "a link into another file system is no denial";
  EXPECT_EQ(outcomes_[10], "EROFS");
  EXPECT_EQ(outcomes_[11], "EROFS");
  EXPECT_EQ(outcomes_[12], "EPERM");
  ExpectSeen(result, "filesystem/chmod", "/dev/null");
  ExpectSeen(result, "filesystem/bind", "/plugin/socket");
}

TEST_F(Denials, Network) {
  const SandboxResult result = Attempt({{"connect", "192.0.2.1", 80},
                                        {"connect", "2001:db8::1", 443},
                                        {"connect", "::ffff:192.0.2.7", 81},
                                        {"send_to", "192.0.2.53", 53},
                                        {"send_message", "192.0.2.54", 53},
                                        {"connect_unix", "/run/containerd/containerd.sock"},
                                        {"bind", "127.0.0.1", 80},
                                        {"bind", "0.0.0.0", 443},
                                        {"bind", "::", 1023},
                                        {"resolve4", "four.example.com"},
                                        {"family", 17, 3, 3},
                                        {"family", 40, 1, 0},
                                        {"family", 2, 3, 1}});
  ExpectSeen(result, "network/connect", "192.0.2.1:80");
  ExpectSeen(result, "network/connect", "[2001:db8::1]:443");
  ExpectSeen(result, "network/connect", "[::ffff:192.0.2.7]:81");
  ExpectSeen(result, "filesystem/connect", "/run/containerd/containerd.sock");
  const char* bound[] = {"127.0.0.1:80", "0.0.0.0:443", "[::]:1023"};
  for (std::size_t i = 0; i < 3; ++i) {
    // Old sentries let everybody have the low ports of their own network.
    if (outcomes_[6 + i] == "ok")
      EXPECT_TRUE(Sentry()) << bound[i];
    else
      ExpectSeen(result, "network/bind", bound[i]);
  }
  ExpectSeen(result, "network/socket", "AF_PACKET SOCK_RAW");
  ExpectSeen(result, "network/socket", "AF_VSOCK");
  ExpectSeen(result, "network/socket", "AF_INET SOCK_RAW");
  if (Sentry()) {
    ExpectSeen(result, "network/send", "", 2);
    return;
  }
  ExpectSeen(result, "network/send", "192.0.2.53:53");
  ExpectSeen(result, "network/send", "192.0.2.54:53");
  EXPECT_NE(Find(result, "network/resolve", "four.example.com"), nullptr) << Describe(result);
}

TEST_F(Denials, SystemCallsAndCapabilities) {
  // The new namespaces last: in one of the sentry's, the plugin is root.
  const SandboxResult result = Attempt({{"setuid", 0},
                                        {"setgid", 0},
                                        {"ptrace"},
                                        {"mount"},
                                        {"bpf"},
                                        {"mknod"},
                                        {"execute", "/bin/sh"},
                                        {"clone_newuser"},
                                        {"unshare"}});
  for (const char* name : {"ptrace", "mount", "bpf"})
    ExpectSeen(result, "syscall/" + std::string(name), "");
  ExpectSeen(result, "capability/setuid", "0");
  ExpectSeen(result, "capability/setgid", "0");
  ExpectSeen(result, "process/execute", Sentry() ? "/bin/sh" : "/usr/bin/sh");
  if (Sentry()) return;  // the sentry has namespaces and devices of its own
  ExpectSeen(result, "syscall/unshare", "");
  ExpectSeen(result, "syscall/clone", "new namespace");
  ExpectSeen(result, "device/mknod", "c 1:3");
}

TEST_F(Denials, WhatProgramsDoAllDayIsNone) {
  const SandboxResult result = Attempt({{"imports"},
                                        {"lo_works"},
                                        {"run_python", "import json"},
                                        {"connect", "127.0.0.1", 9},
                                        {"connect_unix", "/tmp/nobody"},
                                        {"read", "/tmp/none"},
                                        {"read", "/plugin/none"},
                                        {"read", "/usr/lib/python3.11/none"},
                                        {"make_file", "/tmp/own"},
                                        {"link", "/tmp/own", "/tmp/own2"},
                                        {"chmod_fd", "/tmp/own", 0},
                                        {"bind", "127.0.0.1", 0},
                                        {"bind", "127.0.0.1", 8080},
                                        {"bind", "192.0.2.9", 8080},
                                        {"bind_unix", "/tmp/listener"},
                                        {"chmod", "/tmp/own", 0},
                                        {"read", "/tmp/own"},
                                        {"makedirs", "/tmp/a/b"},
                                        {"mkdir", "/plugin"},
                                        {"setuid", 65532},
                                        {"family", 16, 3, 0},
                                        {"read", "/proc/self/status"},
                                        {"read", "/dev/null"},
                                        {"bad_pointer"},
                                        {"long_path"},
                                        {"bad_fd"},
                                        // The positive control.
                                        {"read", "/etc/passwd"}});
  EXPECT_EQ(outcomes_[0], "ok");
  EXPECT_EQ(outcomes_[1], "ok");
  EXPECT_EQ(outcomes_[2], "ok");
  for (const std::size_t fine : {9u, 10u, 11u, 12u, 14u, 15u})
    EXPECT_EQ(outcomes_[fine], "ok") << fine;
  EXPECT_EQ(outcomes_[13], "EADDRNOTAVAIL");
  EXPECT_EQ(outcomes_[16], "EACCES");
  EXPECT_EQ(outcomes_[23], "EFAULT");
  EXPECT_EQ(outcomes_[24], "ENAMETOOLONG");
  EXPECT_EQ(outcomes_[25], "EBADF");
  ExpectSeen(result, "filesystem/open", "/etc/passwd");
  EXPECT_EQ(result.denials.size(), 1u) << Describe(result);
}

TEST_F(Denials, AFloodHidesNoOtherKindAndIsBounded) {
  const SandboxResult result = Attempt({{"flood", "open", 2000},
                                        {"flood", "send", 300},
                                        {"connect", "192.0.2.9", 7},
                                        {"write", "/after-the-flood"}});
  EXPECT_LE(result.denials.size(), 80u);
  std::uint64_t opens = 0, sends = 0;
  for (const Denial& denial : result.denials) {
    if (denial.control == "filesystem" && denial.action == "open") opens += denial.count;
    if (denial.action == "send") sends += denial.count;
  }
  if (dropped_ > 0) {
    EXPECT_LE(opens, 2000u);
    EXPECT_GE(opens + sends + dropped_, 2300u);
    return;
  }
  EXPECT_EQ(opens, 2000u);
  EXPECT_EQ(sends, 300u);
  const Denial* rest = Find(result, "filesystem/open", "(other targets)");
  ASSERT_NE(rest, nullptr);
  EXPECT_EQ(rest->count, 2000u - 32u);
  ExpectSeen(result, "network/connect", "192.0.2.9:7");
  ExpectSeen(result, "filesystem/write", "/after-the-flood");
}

TEST_F(Denials, ThreadsThatRewriteTheirArgumentsOpenNothingAndStopNothing) {
  const SandboxResult result =
      Attempt({{"race", 1}, {"read", "/etc/after-the-race"}, {"lo_works"}});
  EXPECT_EQ(outcomes_[0], "ok");
  EXPECT_EQ(outcomes_[2], "ok");
  if (dropped_ == 0) ExpectSeen(result, "filesystem/open", "/etc/after-the-race");
}

TEST_F(Denials, APluginThatClosesEverythingIsStillSeen) {
  const SandboxResult result =
      Run("denial-probe", {{"close_everything"}, {"read", "/etc/after-closing"}});
  ExpectSeen(result, "filesystem/open", "/etc/after-closing");
}

// Watched or not, the plugin gets the same, errno by errno.
TEST_F(Denials, WatchingChangesNothingForThePlugin) {
  const json attempts = {{"read", "/etc/passwd"},
                         {"write", "/x"},
                         {"write", "/plugin/x"},
                         {"truncate_open", "/plugin/main.py"},
                         {"write", "/etc/cron.d/x"},
                         {"write", "/proc/no-such-file"},
                         {"write", "/tmp/ok"},
                         {"connect", "192.0.2.1", 80},
                         {"connect", "2001:db8::1", 443},
                         {"send_to", "192.0.2.53", 53},
                         {"connect_unix", "/run/containerd/containerd.sock"},
                         {"resolve", "example.com"},
                         {"resolve4", "example.com"},
                         {"family", 16, 3, 15},
                         {"lo_works"},
                         {"execute", "/bin/sh"},
                         {"mkdir", "/plugin/d"},
                         {"mkdir", "/plugin"},
                         {"unlink", "/plugin/main.py"},
                         {"unlink", "/plugin/none"},
                         {"rename", "/plugin/main.py", "/plugin/b"},
                         {"rename", "/tmp/ok", "/plugin/b"},
                         {"truncate", "/plugin/main.py"},
                         {"link", "/plugin/main.py", "/plugin/l"},
                         {"link", "/plugin/main.py", "/tmp/l"},
                         {"link", "/plugin/none", "/plugin/l"},
                         {"link", "/tmp/ok", "/plugin/l"},
                         {"link", "/tmp/ok", "/plugin/main.py"},
                         {"link", "/etc/passwd", "/tmp/l"},
                         {"chmod", "/plugin/main.py", 511},
                         {"chmod", "/plugin/none", 511},
                         {"chmod", "/etc/passwd", 511},
                         {"chmod", "/dev/null", 511},
                         {"chmod", "/proc/version", 511},
                         {"chmod_fd", "/plugin/main.py", 511},
                         {"bind", "127.0.0.1", 80},
                         {"bind", "::", 443},
                         {"bind", "192.0.2.1", 80},
                         {"bind", "192.0.2.1", 8080},
                         {"bind_unix", "/plugin/s"},
                         {"bind_unix", "/plugin/main.py"},
                         {"bind_unix", "/etc/s"},
                         {"rmdir", "/usr"},
                         {"setuid", 0},
                         {"setuid", 70000},
                         {"chown", "/tmp/ok", 0, 0},
                         {"setgroups", json::array()},
                         {"ptrace"},
                         {"mount"},
                         {"io_uring_setup"},
                         {"mknod"},
                         {"read", "/proc/1/environ"},
                         {"read", "/proc/1/mem"},
                         {"read", "/proc/kcore"},
                         {"write", "/proc/sys/kernel/hostname"},
                         {"listdir", "/root"},
                         {"read", "/dev/stdin"},
                         {"read", "/plugin/main.py/x"},
                         {"write", "/plugin"}};
  const SandboxResult watched = Attempt(attempts);
  const json with = outcomes_;
  sandbox::EmbeddedOptions blind = options();
  blind.watch = {.network = false, .filesystem = false};
  auto runner = sandbox::CreateEmbeddedRunner(blind);
  ASSERT_TRUE(runner.ok());
  sandbox::RunRequest request;
  request.plugin = Plugin("denial-probe");
  request.payload = attempts.dump();
  const auto result = (*runner)->Run(request);
  ASSERT_TRUE(result.ok()) << result.status();
  const json without = json::parse(result->output, nullptr, false);
  for (std::size_t i = 0; i < attempts.size(); ++i)
    EXPECT_EQ(with[i], without[i]) << attempts[i].dump();
  EXPECT_GT(watched.denials.size(), 10u);
  EXPECT_TRUE(result->denials.empty()) << Describe(*result);
  for (const sandbox::ObserverState& state : result->observation.observers) {
    EXPECT_FALSE(state.active);
    EXPECT_FALSE(state.complete);
    EXPECT_NE(state.why, "");
  }
}

}  // namespace
}  // namespace vortex::testing
