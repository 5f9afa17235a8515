// SPDX-License-Identifier: Apache-2.0
// The promises with numbers, beside containerd's own shim in the same minute.
#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "integration/shim/ctr_fixture.h"
#include "shim/files.h"

namespace vortex::shim::testing {
namespace {

constexpr int kContainers = 5;

struct Memory {
  double rss = 0;
  double pss = 0;
  double private_kb = 0;  // anonymous: what each further shim costs by itself
  long threads = 0;
};

// Of the shim that users run: a sanitized one has other figures, and does not bear strace.
class BudgetTest : public CtrTest {
 protected:
  void SetUp() override {
    shim_ = VORTEX_RELEASE_SHIM;
    if (::access(shim_.c_str(), X_OK) != 0)
      GTEST_SKIP() << shim_ << " is missing: `./dev test` builds it";
    CtrTest::SetUp();
  }

  Memory Measure(const std::string& runtime) {
    runtime_ = runtime;
    for (int i = 0; i < kContainers; ++i)
      EXPECT_EQ(Run("-d", "c" + std::to_string(i), "sleep 1000").code, 0);
    Memory sum;
    const auto shims = Shims();
    EXPECT_EQ(shims.size(), static_cast<std::size_t>(kContainers));
    // Ours gives memory back once it has nothing to do, half a second after the last call.
    const auto idle = [](int pid) { return ProcKb(pid, "status", "VmRSS") < 1024; };
    if (runtime == "io.containerd.vortex.v2") {
      EXPECT_TRUE(Until([&] { return std::all_of(shims.begin(), shims.end(), idle); }));
    }
    for (const int pid : shims) {
      sum.rss += static_cast<double>(ProcKb(pid, "status", "VmRSS"));
      sum.pss += static_cast<double>(ProcKb(pid, "smaps_rollup", "Pss"));
      sum.private_kb += static_cast<double>(ProcKb(pid, "status", "RssAnon"));
      sum.threads = std::max(sum.threads, ProcKb(pid, "status", "Threads"));
    }
    for (int i = 0; i < kContainers; ++i)
      Ctr("task rm -f c" + std::to_string(i) + "; " +
          CtrCommand("container rm c" + std::to_string(i)));
    EXPECT_TRUE(Until([this] { return Shims().empty(); }));
    const auto n = static_cast<double>(kContainers);
    return {sum.rss / n, sum.pss / n, sum.private_kb / n, sum.threads};
  }
};

TEST_F(BudgetTest, Memory) {
  const Memory ours = Measure("io.containerd.vortex.v2");
  const Memory theirs = Measure("io.containerd.runc.v2");
  printf("of %d shims each   %10s %10s\n", kContainers, "vortex", "runc-v2");
  printf("RSS (kB)          %10.0f %10.0f\n", ours.rss, theirs.rss);
  printf("PSS (kB)          %10.0f %10.0f  (1/%.0f)\n", ours.pss, theirs.pss,
         theirs.pss / ours.pss);
  printf("private (kB)      %10.0f %10.0f\n", ours.private_kb, theirs.private_kb);
  printf("threads           %10ld %10ld\n", ours.threads, theirs.threads);
  struct stat binary {};
  ASSERT_EQ(::stat(shim_.c_str(), &binary), 0);
  printf("binary (kB)       %10ld\n", static_cast<long>(binary.st_size / 1024));
  EXPECT_LE(ours.rss, 2048);
  EXPECT_LE(ours.pss, theirs.pss / 15);
  EXPECT_LE(ours.private_kb, 256);
  EXPECT_EQ(ours.threads, 1);
  EXPECT_LE(binary.st_size, 3 << 20);
}

TEST_F(BudgetTest, StartCostsLittleCpu) {
  const std::string bundle = Dir() + "/bundle";
  ::mkdir(bundle.c_str(), 0700);
  ASSERT_EQ(WriteFileAtomic(bundle + "/config.json", "{}", 0644), 0);
  // bash's times: children's user and system time, of `start` alone; the serving child is not
  // waited for.
  const Output times =
      Shell("cd " + bundle + "; bash -c 'TIMEFORMAT=\"%U %S\"; for i in 1 2 3 4 5; do time " +
            shim_ + " -namespace " + NameSpace() + " -address " + containerd().address() +
            " -publish-binary true -id x$i start < /dev/null > /dev/null; done'");
  double total = 0;
  int lines = 0;
  std::string_view rest = times.text;
  while (!rest.empty()) {
    const std::string line(NextLine(&rest));
    char* end = nullptr;
    const double user = ::strtod(line.c_str(), &end);
    total += user + ::strtod(end, nullptr);
    ++lines;
  }
  ASSERT_EQ(lines, 5) << times.text;
  printf("start: %.1f ms CPU\n", total * 1000 / lines);
  EXPECT_LE(total * 1000 / lines, 5);
  for (const int pid : Shims()) ::kill(pid, SIGTERM);
}

TEST_F(BudgetTest, ProgramExecutionsOfAColdRun) {
  if (Shell("command -v strace").code != 0) GTEST_SKIP() << "strace is not installed";
  const std::string trace = Dir() + "/trace";
  // containerd's children are followed; what ctr itself is does not count.
  const Output output = Shell("strace -f -qq -e trace=execve -e signal=none -o " + trace + " -p " +
                              std::to_string(containerd().pid()) +
                              " & tracer=$!; while ! grep -q 'TracerPid:.[1-9]' /proc/" +
                              std::to_string(containerd().pid()) +
                              "/status; do sleep 0.05; done; " + RunCommand("--rm", "a", "true") +
                              "; sleep 1; kill -INT $tracer; wait $tracer; "
                              "grep -v 'unfinished' " +
                              trace + " | grep -c ' = 0'");
  const int count = ::atoi(
      output.text.substr(output.text.find_last_of('\n', output.text.size() - 2) + 1).c_str());
  printf("program executions of a cold run: %d\n", count);
  if (count > 7) printf("%s\n", ReadFile(trace, 1 << 20).value_or("").c_str());
  EXPECT_GT(count, 4) << output.text;
  EXPECT_LE(count, 7);
}

}  // namespace
}  // namespace vortex::shim::testing
