// SPDX-License-Identifier: Apache-2.0
#include "sandbox/verdict.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>

namespace vortex::sandbox {
namespace {

RunFacts Exited(int code) {
  RunFacts facts;
  facts.exit_status = static_cast<std::uint32_t>(code);
  facts.init = InitRecord{code, {}, {}};
  return facts;
}

RunFacts WithValue(RunFacts facts) {
  facts.result = ResultRecord{true, "1", {}};
  return facts;
}

RunFacts WithFailure(RunFacts facts, const char* kind, std::optional<int> error = {}) {
  facts.result = ResultRecord{false, "", {kind, "OSError", "it failed", "", error, "/x"}};
  return facts;
}

RunFacts KilledBy(KillIntent intent) {
  RunFacts facts;
  facts.kill_intent = intent;
  facts.kill_detail = "the budget of 2s";
  facts.exit_status = 137;
  return facts;
}

TEST(VerdictTest, AReturnedValueIsOk) {
  const Termination t = Decide(WithValue(Exited(0)));
  EXPECT_EQ(t.cause, Cause::kOk);
  EXPECT_EQ(t.exit_code, 0);
}

TEST(VerdictTest, ExitZeroWithoutAResultIsAPluginError) {
  EXPECT_EQ(Decide(Exited(0)).cause, Cause::kPluginError);
}

TEST(VerdictTest, AValueAndThenAFailingExitIsAPluginError) {
  EXPECT_EQ(Decide(WithValue(Exited(3))).cause, Cause::kPluginError);
}

// The number 137 alone never means a kill: a plugin may exit with it.
TEST(VerdictTest, Exit137IsNotASignal) {
  const Termination t = Decide(Exited(137));
  EXPECT_EQ(t.cause, Cause::kPluginError);
  EXPECT_EQ(t.exit_code, 137);
  EXPECT_FALSE(t.signal.has_value());
}

TEST(VerdictTest, ASignalToThePluginIsASignal) {
  RunFacts facts;
  facts.exit_status = 137;
  facts.init = InitRecord{{}, SIGKILL, {}};
  const Termination t = Decide(facts);
  EXPECT_EQ(t.cause, Cause::kSignal);
  EXPECT_EQ(t.signal, SIGKILL);
}

TEST(VerdictTest, AKillFromOutsideIsASignalWithoutInitsRecord) {
  RunFacts facts;
  facts.exit_status = 137;
  const Termination t = Decide(facts);
  EXPECT_EQ(t.cause, Cause::kSignal);
  EXPECT_NE(t.message.find("from outside or by the plugin"), std::string::npos);
}

TEST(VerdictTest, OurKillsHaveTheirCauses) {
  EXPECT_EQ(Decide(KilledBy(KillIntent::kDeadline)).cause, Cause::kDeadline);
  EXPECT_EQ(Decide(KilledBy(KillIntent::kCancelled)).cause, Cause::kCancelled);
  EXPECT_EQ(Decide(KilledBy(KillIntent::kLost)).cause, Cause::kSandboxLost);
  RunFacts output = KilledBy(KillIntent::kOutputLimit);
  output.output_limit_passed = true;
  EXPECT_EQ(Decide(output).cause, Cause::kOutputLimit);
}

TEST(VerdictTest, APluginThatEndedJustBeforeTheKillKeepsItsResult) {
  RunFacts facts = WithValue(Exited(0));
  facts.kill_intent = KillIntent::kDeadline;
  EXPECT_EQ(Decide(facts).cause, Cause::kOk);
}

TEST(VerdictTest, AnOomKillIsOomWhoeverWasKilled) {
  RunFacts init_killed;
  init_killed.exit_status = 137;
  init_killed.counters.oom_kills = 1;
  EXPECT_EQ(Decide(init_killed).cause, Cause::kOom);

  RunFacts plugin_killed;
  plugin_killed.init = InitRecord{{}, SIGKILL, {}};
  plugin_killed.counters.oom_kills = 1;
  EXPECT_EQ(Decide(plugin_killed).cause, Cause::kOom);

  RunFacts child_killed = WithFailure(Exited(1), "exception");
  child_killed.counters.oom_kills = 2;
  EXPECT_EQ(Decide(child_killed).cause, Cause::kOom);
}

TEST(VerdictTest, APluginThatSurvivesAnOomKillOfAChildIsOkWithTheEvidence) {
  RunFacts facts = WithValue(Exited(0));
  facts.counters.oom_kills = 1;
  const Termination t = Decide(facts);
  EXPECT_EQ(t.cause, Cause::kOk);
  bool told = false;
  for (const Evidence& e : t.evidence) told = told || e.fact == "oom_kill=1";
  EXPECT_TRUE(told);
}

TEST(VerdictTest, ARefusedForkMakesAFailurePidsLimitButNotASuccess) {
  RunFacts failed = WithFailure(Exited(1), "exception", EAGAIN);
  failed.counters.pids_denied = 7;
  EXPECT_EQ(Decide(failed).cause, Cause::kPidsLimit);
  RunFacts fine = WithValue(Exited(0));
  fine.counters.pids_denied = 7;
  EXPECT_EQ(Decide(fine).cause, Cause::kOk);
}

TEST(VerdictTest, FullDisksAndTooLargeFilesAreDiskLimit) {
  EXPECT_EQ(Decide(WithFailure(Exited(1), "exception", ENOSPC)).limit, "tmp");
  EXPECT_EQ(Decide(WithFailure(Exited(1), "exception", EFBIG)).limit, "fsize");
}

TEST(VerdictTest, AnEntrypointThatIsNotThereIsSpawnFailed) {
  EXPECT_EQ(Decide(WithFailure(Exited(127), "entrypoint_not_found")).cause, Cause::kSpawnFailed);
  // A plugin that ran cannot say so with an exit code of its own.
  EXPECT_EQ(Decide(WithFailure(Exited(3), "entrypoint_not_found")).cause, Cause::kPluginError);
  RunFacts exec;
  exec.exit_status = 126;
  exec.init = InitRecord{{}, {}, EACCES};
  const Termination t = Decide(exec);
  EXPECT_EQ(t.cause, Cause::kSpawnFailed);
  EXPECT_EQ(t.exit_code, 126);
}

TEST(VerdictTest, AnUnknownEndIsLostAndNotGuessed) {
  EXPECT_EQ(Decide(RunFacts{}).cause, Cause::kSandboxLost);
}

TEST(DenialsTest, TheKernelsCountIsProofAndThePluginsWordAHint) {
  RunFacts facts = WithFailure(Exited(1), "exception", EACCES);
  facts.counters.pids_denied = 3;
  const std::vector<Denial> denials = DenialsFrom(facts);
  ASSERT_EQ(denials.size(), 2u);
  EXPECT_EQ(denials[0].witness, "kernel");
  EXPECT_EQ(denials[0].count, 3u);
  EXPECT_EQ(denials[1].witness, "guest");
  EXPECT_EQ(denials[1].target, "/x");
}

TEST(VerdictTest, TheShimKilledAtTheDeadline) {
  RunFacts facts = KilledBy(KillIntent::kNone);
  facts.killed_by_shim = true;
  EXPECT_EQ(Decide(facts).cause, Cause::kDeadline);
  // It had ended by itself just before.
  facts = WithValue(Exited(0));
  facts.killed_by_shim = true;
  EXPECT_EQ(Decide(facts).cause, Cause::kOk);
}

TEST(VerdictTest, AControlThatWasNotInForceComesFirst) {
  RunFacts facts = WithValue(Exited(0));
  facts.missing_control =
      "sandbox_unavailable: control seccomp: asked for a filter, in force is mode 0";
  const Termination t = Decide(facts);
  EXPECT_EQ(t.cause, Cause::kSandboxUnavailable);
  EXPECT_EQ(t.message, facts.missing_control);
}

TEST(VerdictTest, AnOomKillForALimitAboveItsOwn) {
  RunFacts facts = KilledBy(KillIntent::kNone);
  facts.oom_kills_parent = 1;
  EXPECT_EQ(Decide(facts).cause, Cause::kOom);
  EXPECT_EQ(Decide(facts).limit, "memory of the node");
  facts.counters.oom_kills = 1;
  EXPECT_EQ(Decide(facts).limit, "memory");
}

TEST(VerdictTest, AMissingReportIsEvidenceAndNeverThePluginsFault) {
  RunFacts facts = Exited(3);
  facts.report_error = "open /run/x/report: No such file or directory (ENOENT)";
  const Termination t = Decide(facts);
  EXPECT_EQ(t.cause, Cause::kPluginError);
  EXPECT_EQ(t.message, "it exited with 3 and left no result");
  EXPECT_EQ(t.evidence.back().fact, "no report of the shim: " + facts.report_error);
}

TEST(VerdictTest, ASentryThatDiedOfItselfIsSaidSo) {
  RunFacts facts;
  facts.exit_status = 2;
  facts.panic = "panic: no such thing";
  const Termination t = Decide(facts);
  EXPECT_EQ(t.cause, Cause::kSandboxLost);
  EXPECT_EQ(t.message, "the sandbox's own kernel died: panic: no such thing");
}

}  // namespace
}  // namespace vortex::sandbox
