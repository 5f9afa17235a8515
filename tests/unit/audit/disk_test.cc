// SPDX-License-Identifier: Apache-2.0
// A disk that is full, and what each fsync policy costs.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>

#include "unit/audit/log_fixture.h"

namespace vortex::testing {
namespace {

using ::testing::HasSubstr;

class Disk : public LogTest {
 protected:
  // A tmpfs of that size below the log's directory.
  bool MountSmall(const char* size) {
    const std::string at = dir_ + "/small";
    std::filesystem::create_directory(at);
    if (::mount("tmpfs", at.c_str(), "tmpfs", 0, size) != 0) return false;
    mounted_ = at;
    options_.directory = at + "/log";
    return true;
  }
  void TearDown() override {
    if (!mounted_.empty()) ::umount2(mounted_.c_str(), MNT_DETACH);
  }
  // Until there is no byte left.
  void Fill() {
    std::ofstream file(mounted_ + "/ballast");
    while (file << std::string(4096, 'x') << std::flush) {
    }
  }
  std::string mounted_;
};

TEST_F(Disk, WhenItIsFullRunsUnderWayAreToldAndNoneIsBegun) {
  if (!MountSmall("size=512k")) GTEST_SKIP() << "cannot mount a tmpfs: not root";
  audit::Log log(options_);
  ASSERT_THAT(log.Write({Numbered(1)}, audit::Log::kBeginning), IsOk());
  Fill();
  // The active segment's last page may have room still.
  absl::Status status;
  int begun = 1;
  while (begun < 100 &&
         (status = log.Write({Numbered(begun + 1)}, audit::Log::kBeginning).status()).ok())
    ++begun;
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted,
                               HasSubstr("audit log " + options_.directory)));
  // From the reserve.
  for (int i = 0; i < 100; ++i)
    ASSERT_THAT(log.Write({Numbered(1000 + i)}, audit::Log::kUnderWay), IsOk());
  EXPECT_THAT(log.Write({}, audit::Log::kBeginning),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("reserve")));
  EXPECT_TRUE(Verify().intact());
  std::filesystem::remove(mounted_ + "/ballast");
  ASSERT_THAT(log.Write({Numbered(2000)}, audit::Log::kBeginning), IsOk());
  EXPECT_THAT(Read("active.jsonl"),
              AllOf(HasSubstr(R"("type":"records_lost")"), HasSubstr(R"("count":1)")));
  const audit::Verified verified = Verify();
  EXPECT_TRUE(verified.intact()) << ::testing::PrintToString(Findings(verified));
}

TEST_F(Disk, WithTheReserveSpentLostRecordsAreCountedByAll) {
  if (!MountSmall("size=1m")) GTEST_SKIP() << "cannot mount a tmpfs: not root";
  WriteLines(1);
  Fill();
  std::uint64_t lost = 0;
  // Each of its own log, as each vortexctl is.
  for (int i = 0; i < 4000 && lost < 3; ++i) {
    const audit::Event large{"end", "\"x\":\"" + std::string(2000, 'x') + "\""};
    lost += audit::Log(options_).Write({large}, audit::Log::kUnderWay).ok() ? 0 : 1;
  }
  ASSERT_EQ(lost, 3u);
  EXPECT_EQ(audit::DecodeHead(Read("head.json"))->lost, 3u);
  std::filesystem::remove(mounted_ + "/ballast");
  WriteLines(1, 5000);
  EXPECT_NE(Read("active.jsonl").find(R"("count":3)"), std::string::npos);
  EXPECT_TRUE(Verify().intact());
}

// Not a budget: a disk is as fast as it is.
TEST_F(Disk, PrintsLinesASecond) {
  const struct {
    const char* name;
    audit::Fsync fsync;
    int lines;
  } policies[] = {{"never", audit::Fsync::kNever, 5000},
                  {"interval", audit::Fsync::kInterval, 5000},
                  {"always", audit::Fsync::kAlways, 100}};
  const std::string fields = "\"x\":\"" + std::string(400, 'x') + "\"";
  for (const auto& policy : policies) {
    options_.directory = dir_ + "/" + policy.name;
    options_.fsync = policy.fsync;
    audit::Log log(options_);
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < policy.lines; ++i)
      ASSERT_THAT(log.Write({{"end", fields}}, audit::Log::kUnderWay), IsOk());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("fsync %-8s %8.0f lines/s, %7.1f us a line\n", policy.name,
                policy.lines / took.count(), took.count() / policy.lines * 1e6);
  }
}

}  // namespace
}  // namespace vortex::testing
