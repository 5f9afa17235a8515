// SPDX-License-Identifier: Apache-2.0
// vortexctl: exit codes, outputs, and one clear error for each kind of bad input.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/cancellation.h"
#include "base/files.h"
#include "base/status.h"
#include "integration/sandbox/sandbox_fixture.h"
#include "integration/sandbox/vortexctl.h"
#include "support/processes.h"

namespace vortex::testing {
namespace {

using nlohmann::json;

class Cli : public SandboxTest {
 protected:
  Ended Run(const std::string& plugin, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"run", "--plugin", Plugin(plugin)});
    return RunVortexctl(options(), more);
  }
  // Exactly one line on stderr, with `part` in it, and the exit code of "the sandbox did not run".
  void ExpectError(const Ended& ended, const std::string& part) {
    EXPECT_EQ(ended.exit_code, 125) << ended.err;
    EXPECT_NE(ended.err.find(part), std::string::npos) << ended.err << "\nhas no: " << part;
    EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
    EXPECT_TRUE(ended.out.empty()) << ended.out;
  }
};

TEST_F(Cli, TheReturnValueIsOnStdoutAlone) {
  const Ended ended = Run("printer", {"--payload", R"({"bytes":5})"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.out, "5\n");
  EXPECT_EQ(ended.err, "xxxxx");
}

TEST_F(Cli, ExitCodesAreThoseOfTheDesign) {
  const auto code = [&](const char* mode) {
    return Run("exits", {"--payload", std::string(R"({"mode":")") + mode + "\"}"}).exit_code;
  };
  EXPECT_EQ(code("exit3"), 3);
  EXPECT_EQ(code("raise"), 1);
  EXPECT_EQ(code("os_exit0"), 1);
  EXPECT_EQ(code("sigterm"), 128 + SIGTERM);
  EXPECT_EQ(Run("sleeper", {"--payload", R"({"seconds":60})", "--budget", "1s"}).exit_code, 124);
  EXPECT_EQ(Run("wants-network").exit_code, 125);
  EXPECT_EQ(Run("not-callable").exit_code, 126);
  EXPECT_EQ(Run("no-program").exit_code, 127);
  EXPECT_EQ(Run("memory-hog", {"--payload", R"({"mib":512})"}).exit_code, 137);
}

TEST_F(Cli, JsonTellsApartWhatExitCodesCannot) {
  const Ended plugins_own = Run("exits", {"--json", "--payload", R"({"mode":"exit124"})"});
  EXPECT_EQ(plugins_own.exit_code, 124);
  const json result = json::parse(plugins_own.out);
  EXPECT_EQ(result["termination"]["cause"], "plugin_error");
  EXPECT_EQ(result["schema_version"], 1);
  EXPECT_EQ(result["plugin"]["id"], "exits");
  EXPECT_TRUE(result["spec_digest"].get<std::string>().starts_with("sha256:"));
  EXPECT_TRUE(result["image"]["digest"].get<std::string>().starts_with("sha256:"));
  EXPECT_TRUE(result["leftovers"].empty());
  EXPECT_GT(result["timings"]["phases"].size(), 8u);
}

TEST_F(Cli, ARequestWithoutAResultIsToldInJsonToo) {
  const Ended ended = Run("echo", {"--json", "--payload", "{"});
  EXPECT_EQ(ended.exit_code, 125);
  const json told = json::parse(ended.out);
  EXPECT_EQ(told["error"]["code"], "INVALID_ARGUMENT");
  EXPECT_NE(told["error"]["message"].get<std::string>().find("payload"), std::string::npos);
}

TEST_F(Cli, AResultThatNobodyGotIsNoSuccess) {
  const std::string command = fmt::format(
      "{} --address {} --state-dir {} --data-dir {} --image {} --cgroup-parent {} --policy {} run "
      "--plugin {} --payload 1 >/dev/full 2>/dev/null",
      VORTEX_TEST_VORTEXCTL, options().address, options().state_dir, options().data_dir,
      options().image, options().cgroup_parent, options().policy.file, Plugin("echo"));
  EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 125);
}

TEST_F(Cli, APayloadThatDoesNotEndIsEndedByASignal) {
  const std::string fifo = ::testing::TempDir() + "/endless";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const base::UniqueFd writer(::open(fifo.c_str(), O_RDWR | O_CLOEXEC));
  Vortexctl run(options(), {"run", "--plugin", Plugin("echo"), "--payload", "@" + fifo});
  run.Signal(SIGINT);
  EXPECT_TRUE(run.EndsWithin(std::chrono::seconds(10)));
  EXPECT_EQ(run.Wait().exit_code, 128 + SIGINT);
  ::unlink(fifo.c_str());
}

TEST_F(Cli, PayloadsComeFromAFileToo) {
  const std::string path = ::testing::TempDir() + "/payload.json";
  std::ofstream(path) << R"({"a":1})";
  EXPECT_EQ(Run("echo", {"--payload", "@" + path}).out, "{\"a\":1}\n");
  ::unlink(path.c_str());
}

TEST_F(Cli, ABundleRunsAgainByItsDigest) {
  const json first = json::parse(Run("echo", {"--json", "--payload", "1"}).out);
  const Ended again = RunVortexctl(
      options(),
      {"run", "--plugin", first["plugin"]["digest"].get<std::string>(), "--payload", "2"});
  EXPECT_EQ(again.out, "2\n");
}

TEST_F(Cli, ADryRunPrintsTheSpecAndRunsNothing) {
  sandbox::EmbeddedOptions nowhere = options();
  nowhere.address = "/no/such.sock";  // not needed
  const std::vector<std::string> args = {"run",       "--plugin", Plugin("echo"),
                                         "--dry-run", "--memory", "64m"};
  const Ended first = RunVortexctl(nowhere, args);
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(json::parse(first.out)["linux"]["resources"]["memory"]["limit"], 64 << 20);
  EXPECT_EQ(RunVortexctl(nowhere, args).out, first.out)
      << "the same request must give the same bytes";
  EXPECT_EQ(RunVortexctl(nowhere, {"spec", "--plugin", Plugin("echo"), "--memory", "64m"}).out,
            first.out);
}

TEST_F(Cli, BadInputHasOneClearError) {
  sandbox::EmbeddedOptions other = options();
  other.address = "/no/such.sock";
  ExpectError(RunVortexctl(other, {"run", "--plugin", Plugin("echo")}),
              "/no/such.sock: no such socket");
  other.address = "/etc/hostname";
  ExpectError(RunVortexctl(other, {"run", "--plugin", Plugin("echo")}), "/etc/hostname");
  other = options();
  other.image = "vortex.local/none:1";
  ExpectError(RunVortexctl(other, {"run", "--plugin", Plugin("echo")}), "vortexctl image build");
  ExpectError(RunVortexctl(options(), {"run", "--plugin", "/no/such"}),
              "/no/such: No such file or directory");
  ExpectError(Run("echo", {"--payload", "{"}), "payload: not a JSON text at byte");
  ExpectError(Run("echo", {"--memory", "64q"}), "--memory: \"64q\" is not a size");
  ExpectError(Run("echo", {"--memory", "0"}), "[limits.memory.request] 0 is out of range");
  ExpectError(Run("echo", {"--runtime-class", "docker"}), "runtime class \"docker\": unknown");
  ExpectError(Run("echo", {"--runtime-class", "kata"}), "runtime class kata");
}

TEST_F(Cli, WithoutPermissionItSaysSo) {
  Vortexctl client(options(), {"ps"}, 65534);
  const Ended ended = client.Wait();
  EXPECT_EQ(ended.exit_code, 125);
  EXPECT_NE(ended.err.find("the socket may not be opened (run as root"), std::string::npos)
      << ended.err;
}

TEST_F(Cli, UnknownFlagsFail) {
  EXPECT_EQ(RunVortexctl(options(), {"run", "--no-such-flag"}).exit_code, 125);
  EXPECT_EQ(RunVortexctl(options(), {"--help"}).exit_code, 0);
}

// Both look at no class.
TEST_F(Cli, ABrokenClassTableStopsWhoNeedsItAlone) {
  const std::string file = containerd().dir() + "/broken.yaml";
  ASSERT_TRUE(base::WriteFileAtomic(file, "version: 7\n", 0644).ok());
  for (const char* command : {"version", "gc", "ps"}) {
    const Ended ended = RunVortexctl(options(), {"--runtime-classes", file, command});
    EXPECT_EQ(ended.exit_code, 0) << command << ": " << ended.err;
  }
  const Ended run = RunVortexctl(options(), {"--runtime-classes", file, "run", "--plugin", "x"});
  EXPECT_EQ(run.exit_code, 125);
  EXPECT_NE(run.err.find("broken.yaml:1"), std::string::npos) << run.err;
}

TEST_F(Cli, ARelativeStateDirectoryIsRefusedAtOnce) {
  sandbox::EmbeddedOptions relative = options();
  relative.state_dir = "run/vortex";
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"run", "--plugin", Plugin("echo")}, {"gc"}}) {
    const Ended ended = RunVortexctl(relative, words);
    EXPECT_EQ(ended.exit_code, 125) << ended.out;
    EXPECT_NE(ended.err.find("--state-dir \"run/vortex\" is not an absolute path; write /"),
              std::string::npos)
        << ended.err;
  }
}

// One that leaves a child with its stdout behind, and one that never ends.
TEST_F(Cli, DoctorOutlivesABrokenRuntime) {
  const std::string dir = containerd().dir();
  const auto doctor = [&](const std::string& script) {
    EXPECT_TRUE(base::WriteFileAtomic(dir + "/odd-runc", "#!/bin/sh\n" + script + "\n", 0755).ok());
    EXPECT_TRUE(base::WriteFileAtomic(dir + "/odd.yaml",
                                      "version: 1\nclasses:\n  runc: {binary: " + dir +
                                          "/odd-runc}\n  crun: {enabled: false}\n  gvisor: "
                                          "{enabled: false}\n",
                                      0644)
                    .ok());
    return std::make_unique<Vortexctl>(
        options(), std::vector<std::string>{"--runtime-classes", dir + "/odd.yaml", "doctor"});
  };
  auto leaver = doctor("case $1 in --version) sleep 1000 & echo $! > " + dir +
                       "/left; echo odd version 1; exit 0;; esac\nexec runc \"$@\"");
  ASSERT_TRUE(leaver->EndsWithin(std::chrono::seconds(20)));
  const Ended left = leaver->Wait();
  EXPECT_EQ(left.exit_code, 0) << left.out;
  EXPECT_NE(left.out.find("odd version 1, a plugin ran"), std::string::npos) << left.out;
  const int pid = std::atoi(base::ReadFile(dir + "/left", 64)->c_str());
  ASSERT_GT(pid, 0);
  EXPECT_FALSE(std::filesystem::exists(fmt::format("/proc/{}/exe", pid)) &&
               CommandLine(pid).find("sleep") != std::string::npos)
      << "its child still runs";

  // More than the default budget of a plugin.
  auto slow = doctor(
      "case \" $* \" in *' create '*) sleep 10.5;; *--version*) echo slow version 1; exit 0;; "
      "esac\nexec runc \"$@\"");
  ASSERT_TRUE(slow->EndsWithin(std::chrono::seconds(40)));
  const Ended late = slow->Wait();
  EXPECT_EQ(late.exit_code, 0) << late.out;
  const std::size_t told = late.out.find("slow version 1, a plugin ran in ");
  ASSERT_NE(told, std::string::npos) << late.out;
  EXPECT_GT(std::atoi(late.out.c_str() + told + 32), 10500) << late.out;

  const std::string begun = dir + "/begun";
  auto stuck = doctor("touch " + begun + "; trap '' INT TERM; sleep 1000 & sleep 1000; sleep 1000");
  for (int i = 0; i < 400 && !std::filesystem::exists(begun); ++i)
    base::Pause(std::chrono::milliseconds(25), nullptr);
  const auto before = std::chrono::steady_clock::now();
  stuck->Signal(SIGINT);
  ASSERT_TRUE(stuck->EndsWithin(std::chrono::seconds(3)));
  EXPECT_EQ(stuck->Wait().exit_code, 128 + SIGINT);
  std::printf("doctor ended %lld ms after Ctrl-C\n",
              static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                         std::chrono::steady_clock::now() - before)
                                         .count()));

  auto hanging = doctor("sleep 1000");
  ASSERT_TRUE(hanging->EndsWithin(std::chrono::seconds(15)));
  const Ended hung = hanging->Wait();
  EXPECT_EQ(hung.exit_code, 1);
  EXPECT_NE(hung.out.find("does not answer to --version"), std::string::npos) << hung.out;
}

// In a mount namespace of its own, where /tmp is full and containerd's directory, which lies below
// it, is still there. vortexctl, which may lie below it too, is opened before.
TEST_F(Cli, DoctorSaysThatTmpIsFull) {
  const std::string dir = containerd().dir();
  const std::string keep = "/run/vortex-doctor-" + std::to_string(::getpid());
  const std::string command = fmt::format(
      "mkdir {1} && unshare -m sh -c 'set -e; exec 9<{2}; mount --bind {0} {1}; mount -t tmpfs -o "
      "size=16k "
      "tmpfs "
      "/tmp; mkdir -p {0}; mount --bind {1} {0}; cat /dev/zero > /tmp/filler 2>/dev/null || true; "
      "exec /proc/self/fd/9 --address {3} --state-dir {4} --data-dir {5} --image {6} "
      "--cgroup-parent {7} "
      "doctor' 2>&1; echo \"exit $?\"; rmdir {1}",
      dir, keep, VORTEX_TEST_VORTEXCTL, options().address, options().state_dir, options().data_dir,
      options().image, options().cgroup_parent);
  std::string said;
  FILE* pipe = ::popen(command.c_str(), "re");
  ASSERT_NE(pipe, nullptr);
  char buffer[4096];
  std::size_t count = 0;
  while ((count = std::fread(buffer, 1, sizeof buffer, pipe)) > 0) said.append(buffer, count);
  ::pclose(pipe);
  EXPECT_NE(said.find("exit 1\n"), std::string::npos) << said;
  EXPECT_NE(said.find("o space left on device"), std::string::npos) << said;
  EXPECT_NE(said.find("make room in /tmp"), std::string::npos) << said;
  EXPECT_FALSE(std::filesystem::exists(keep));
}

TEST_F(Cli, DoctorImagesAndVersionAnswer) {
  const Ended doctor = RunVortexctl(options(), {"doctor", "--json"});
  EXPECT_EQ(doctor.exit_code, 0) << doctor.out;
  for (const json& check : json::parse(doctor.out)) {
    EXPECT_TRUE(!check["required"] || check["ok"]) << check.dump();
  }
  sandbox::EmbeddedOptions nowhere = options();
  nowhere.address = "/no/such.sock";
  EXPECT_EQ(RunVortexctl(nowhere, {"doctor"}).exit_code, 1);
  EXPECT_NE(RunVortexctl(options(), {"image", "ls"}).out.find(options().image), std::string::npos);
  const json version = json::parse(RunVortexctl(options(), {"version", "--json"}).out);
  EXPECT_TRUE(version.contains("vortexctl") && version.contains("containerd") &&
              version.contains("runc"));
}

}  // namespace
}  // namespace vortex::testing
