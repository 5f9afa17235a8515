// SPDX-License-Identifier: Apache-2.0
// Writers: many at once, killed at any moment, over segment after segment.
#include "audit/log.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <thread>

#include "unit/audit/log_fixture.h"

namespace vortex::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Writers : public LogTest {
 protected:
  // How often each "number":N stands in the log.
  std::map<int, int> Numbers() const {
    std::map<int, int> out;
    EXPECT_THAT(
        audit::ReadLines(options_.directory,
                         [&](const std::string&, std::uint64_t, std::string_view line, bool) {
                           const std::size_t at = line.find("\"number\":");
                           if (at != std::string_view::npos)
                             ++out[std::atoi(std::string(line.substr(at + 9)).c_str())];
                           return true;
                         }),
        IsOk());
    return out;
  }
  // Writes `count` lines from `first` on; the process's exit code is 0 when all were written.
  pid_t Fork(int count, int first) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    audit::Log log(options_);
    for (int i = 0; i < count; ++i)
      if (!log.Write({Numbered(first + i)}, audit::Log::kBeginning).ok()) ::_exit(1);
    ::_exit(0);
  }
};

TEST_F(Writers, GiveThePlaceOfTheLastLine) {
  audit::Log log(options_);
  VX_ASSERT_OK_AND_ASSIGN(const audit::Position position,
                          log.Write({Numbered(1), Numbered(2)}, audit::Log::kBeginning));
  EXPECT_EQ(position.seq, 3u) << "log_open and two";
  EXPECT_EQ(position.hash, audit::HashOf(Lines("active.jsonl").back()));
}

TEST_F(Writers, SeveralProcessesOverManySegmentsLoseNothing) {
  constexpr int kProcesses = 8, kLines = 250;
  options_.segment_bytes = 4096;
  std::vector<pid_t> pids;
  for (int p = 0; p < kProcesses; ++p) pids.push_back(Fork(kLines, p * kLines));
  for (const pid_t pid : pids) {
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
  }
  const audit::Verified verified = Verify({.expect_head = {}, .from_start = true});
  EXPECT_THAT(Findings(verified), IsEmpty());
  const std::map<int, int> numbers = Numbers();
  EXPECT_EQ(numbers.size(), std::size_t{kProcesses * kLines});
  for (const auto& [number, count] : numbers) EXPECT_EQ(count, 1) << number;
  EXPECT_GT(verified.segments, 80u);
  std::printf("%llu lines in %llu segments by %d processes\n",
              static_cast<unsigned long long>(verified.lines),
              static_cast<unsigned long long>(verified.segments), kProcesses);
}

TEST_F(Writers, ThreadsOfOneProcessLoseNothing) {
  options_.segment_bytes = 8192;
  audit::Log log(options_);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&log, t] {
      for (int i = 0; i < 100; ++i)
        EXPECT_THAT(log.Write({Numbered(t * 100 + i)}, audit::Log::kUnderWay), IsOk());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(Findings(Verify()), IsEmpty());
  EXPECT_EQ(Numbers().size(), 400u);
}

TEST_F(Writers, KilledAtAnyMomentLeaveAWholeLog) {
  options_.segment_bytes = 2048;
  for (int round = 0; round < 40; ++round) {
    const pid_t pid = Fork(1'000'000, round * 1'000'000);
    // Killed when it has been seen to write for some time; how far it gets is up to the machine.
    for (int i = 0; i < 1000 && !std::filesystem::exists(Path("head.json")); ++i) ::usleep(100);
    ::usleep(static_cast<useconds_t>(500 + round * 137));
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  WriteLines(1, -1);
  const audit::Verified verified = Verify({.expect_head = {}, .from_start = true});
  EXPECT_TRUE(verified.intact()) << ::testing::PrintToString(Findings(verified));
  for (const auto& [number, count] : Numbers()) EXPECT_EQ(count, 1) << number;
  EXPECT_GT(verified.lines, 40u);
}

TEST_F(Writers, AnOldSegmentIsSealedByTheNextLine) {
  options_.segment_age = std::chrono::seconds(0);
  WriteLines(3);
  EXPECT_EQ(Sealed().size(), 2u);
  EXPECT_THAT(Findings(Verify()), IsEmpty());
}

TEST_F(Writers, ASealThatWasNotRenamedIsFinished) {
  WriteLines(3);
  // As a writer leaves it that died between the seal and the rename, and one that died after it.
  audit::Head head = *audit::DecodeHead(Read("head.json"));
  options_.segment_age = std::chrono::seconds(0);
  WriteLines(1);
  ASSERT_EQ(Sealed().size(), 1u);
  const std::string sealed = Sealed()[0];
  const auto lines = Lines(sealed);
  head.seq += 1;
  head.hash = audit::HashOf(lines.back());
  head.bytes = std::filesystem::file_size(Path(sealed));
  head.sealed = true;
  std::ofstream(Path("head.json"), std::ios::trunc) << audit::EncodeHead(head);
  const std::string active = Read("active.jsonl");
  options_.segment_age = std::chrono::hours(1);
  WriteLines(1, 100);
  // Two lines of the next segment were there, and the head did not count them.
  EXPECT_THAT(Findings(Verify()), ::testing::ElementsAre("notice uncounted active.jsonl:3"));
  // Before the rename.
  std::filesystem::remove(Path("active.jsonl"));
  std::filesystem::rename(Path(sealed), Path("active.jsonl"));
  std::ofstream(Path("head.json"), std::ios::trunc) << audit::EncodeHead(head);
  WriteLines(1, 200);
  EXPECT_EQ(Sealed(), std::vector<std::string>{sealed});
  EXPECT_THAT(Findings(Verify()), IsEmpty());
}

TEST_F(Writers, ADirectoryThatWasMovedAwayIsMadeAnew) {
  audit::Log log(options_);
  ASSERT_THAT(log.Write({Numbered(1)}, audit::Log::kBeginning), IsOk());
  std::filesystem::rename(options_.directory, dir_ + "/old");
  ASSERT_THAT(log.Write({Numbered(2)}, audit::Log::kBeginning), IsOk());
  EXPECT_EQ(Lines("active.jsonl").size(), 2u);
}

TEST_F(Writers, ALineOfAnyLengthIsNotWritten) {
  audit::Log log(options_);
  const audit::Event large{"start", "\"x\":\"" + std::string(70'000, 'x') + "\""};
  EXPECT_THAT(log.Write({large}, audit::Log::kBeginning),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at most 65535")));
  ASSERT_THAT(log.Write({Numbered(1)}, audit::Log::kBeginning), IsOk());
  EXPECT_THAT(Read("active.jsonl"), HasSubstr(R"("type":"records_lost")"));
  EXPECT_TRUE(Verify().intact());
}

TEST_F(Writers, APlaceThatCannotBeIsNamed) {
  std::ofstream(dir_ + "/file") << "x";
  options_.directory = dir_ + "/file/log";
  audit::Log log(options_);
  EXPECT_THAT(log.Write({Numbered(1)}, audit::Log::kBeginning).status().ToString(),
              HasSubstr("audit log " + options_.directory));
}

}  // namespace
}  // namespace vortex::testing
