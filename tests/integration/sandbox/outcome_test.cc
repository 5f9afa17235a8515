// SPDX-License-Identifier: Apache-2.0
// Every way a plugin can end, and every byte it prints.
#include <map>

#include "base/sha256.h"
#include "base/status.h"
#include "integration/sandbox/sandbox_fixture.h"

namespace vortex::testing {
namespace {

using nlohmann::json;
using sandbox::Cause;
using sandbox::SandboxResult;

class Outcome : public SandboxTest {};
class Output : public SandboxTest {};
class BadInput : public SandboxTest {};

struct Expected {
  const char* mode;
  Cause cause;
  std::optional<int> exit_code;
  std::optional<int> signal;
  const char* kind;  // of the plugin's failure, or empty
};

TEST_F(Outcome, EveryEndIsToldApart) {
  const Expected table[] = {
      {"exit0", Cause::kPluginError, 0, {}, "exit"},
      {"exit3", Cause::kPluginError, 3, {}, "exit"},
      {"exit124", Cause::kPluginError, 124, {}, "exit"},
      {"exit137", Cause::kPluginError, 137, {}, "exit"},
      {"raise", Cause::kPluginError, 1, {}, "exception"},
      {"nan", Cause::kPluginError, 1, {}, "result_not_json"},
      {"set", Cause::kPluginError, 1, {}, "result_not_json"},
      {"bytes", Cause::kPluginError, 1, {}, "result_not_json"},
      {"int_key", Cause::kPluginError, 1, {}, "result_not_json"},
      {"cyclic", Cause::kPluginError, 1, {}, "result_not_json"},
      {"deep", Cause::kPluginError, 1, {}, "result_not_json"},
      {"huge", Cause::kPluginError, 1, {}, "result_not_json"},
      {"forged_exit", Cause::kPluginError, 0, {}, ""},
      {"close_all", Cause::kPluginError, 1, {}, ""},
      {"os_exit0", Cause::kPluginError, 0, {}, ""},
      {"os_exit137", Cause::kPluginError, 137, {}, ""},
      {"sigkill", Cause::kSignal, {}, 9, ""},
      {"sigsegv", Cause::kSignal, {}, 11, ""},
      {"sigterm", Cause::kSignal, {}, 15, ""},
      {"sigabrt", Cause::kSignal, {}, 6, ""},
  };
  for (const Expected& expected : table) {
    SCOPED_TRACE(expected.mode);
    const SandboxResult result = Run("exits", {{"mode", expected.mode}});
    EXPECT_EQ(result.termination.cause, expected.cause) << Describe(result);
    EXPECT_EQ(result.termination.exit_code, expected.exit_code) << Describe(result);
    EXPECT_EQ(result.termination.signal, expected.signal) << Describe(result);
    EXPECT_EQ(result.failure ? result.failure->kind : "", expected.kind) << Describe(result);
    EXPECT_TRUE(result.output.empty());
  }
}

TEST_F(Outcome, ValuesComeBackWhateverThePluginDidToItsStdout) {
  const std::map<std::string, json> table = {{"close_stdout", "closed"},
                                             {"close_fd1", "closed"},
                                             {"thread_left", "left"},
                                             {"async", "async"},
                                             {"nonblocking", std::string(1'000'000, 'x')}};
  for (const auto& [mode, value] : table) {
    SCOPED_TRACE(mode);
    EXPECT_TRUE(Value("exits", {{"mode", mode}}) == value);
  }
}

TEST_F(Outcome, AForgedRecordIsOutputAndTheRealOneCounts) {
  const SandboxResult result = Run("exits", {{"mode", "forged"}});
  EXPECT_EQ(result.output, "\"real\"");
  EXPECT_NE(result.stdout_stream.kept.find("forged"), std::string::npos);
}

TEST_F(Outcome, AnEntrypointThatCannotBeCalledIsSpawnFailed) {
  const SandboxResult missing = Run("no-function");
  EXPECT_EQ(missing.termination.cause, Cause::kSpawnFailed) << Describe(missing);
  EXPECT_EQ(missing.termination.exit_code, 127);
  const SandboxResult not_callable = Run("not-callable");
  EXPECT_EQ(not_callable.termination.cause, Cause::kSpawnFailed) << Describe(not_callable);
  EXPECT_EQ(not_callable.termination.exit_code, 126);
  const SandboxResult no_program = Run("no-program");
  EXPECT_EQ(no_program.termination.cause, Cause::kSpawnFailed) << Describe(no_program);
  EXPECT_EQ(no_program.termination.exit_code, 127);
}

TEST_F(Outcome, PayloadsKeepTheirBytes) {
  for (const json& payload : {json("ünï\u0000©\U0001F600"), json(1.5), json(nullptr), json::array(),
                              json{{"a", {{"b", {1, 2, 3}}}}}, json(std::string(15 << 20, 'x'))}) {
    EXPECT_TRUE(Value("echo", payload) == payload) << payload.dump().substr(0, 80);
  }
}

TEST_F(Output, OneGibibyteMeetsTheHardLimitAndIsFlagged) {
  const SandboxResult result = Run("printer", {{"bytes", 1 << 30}});
  EXPECT_EQ(result.termination.cause, Cause::kOutputLimit) << Describe(result);
  EXPECT_TRUE(result.stdout_stream.truncated);
  EXPECT_EQ(result.stdout_stream.kept.size(), 1u << 20);
  EXPECT_GT(result.stdout_stream.bytes_total, 64u << 20);
}

TEST_F(Output, PastTheCapTheHeadIsKeptAndTheRestCountedAndDigested) {
  const std::size_t size = 8 << 20;
  const SandboxResult result = Run("printer", {{"bytes", size}});
  ASSERT_EQ(result.termination.cause, Cause::kOk) << Describe(result);
  EXPECT_EQ(result.output, std::to_string(size));
  EXPECT_EQ(result.stdout_stream.bytes_total, size);
  EXPECT_TRUE(result.stdout_stream.truncated);
  EXPECT_EQ(result.stdout_stream.kept, std::string(1 << 20, 'x'));
  EXPECT_EQ(result.stdout_stream.digest, base::Sha256::Digest(std::string(size, 'x')));
}

TEST_F(Output, BinaryIsIntactOnBothStreams) {
  std::string expected;
  for (int i = 0; i < 2048; ++i) {
    for (int c = 0; c < 256; ++c) expected += static_cast<char>(c);
  }
  for (const char* stream : {"stdout", "stderr"}) {
    const SandboxResult result =
        Run("printer", {{"bytes", expected.size()}, {"stream", stream}, {"pattern", "binary"}});
    ASSERT_EQ(result.termination.cause, Cause::kOk) << Describe(result);
    const auto& got = std::string(stream) == "stdout" ? result.stdout_stream : result.stderr_stream;
    EXPECT_TRUE(got.kept == expected) << stream << ": " << got.bytes_total << " bytes";
    EXPECT_FALSE(got.truncated);
  }
}

// The last byte of a process that exits at once is what gets lost when anything is done in the
// wrong order.
TEST_F(Output, OneByteAndExitAtOnceIsNeverLost) {
  const char* text = std::getenv("VORTEX_TEST_ONE_BYTE_RUNS");
  const int runs = text != nullptr ? std::atoi(text) : 1000;
  std::atomic<int> next{0}, lost{0}, failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (next++ < runs) {
        const SandboxResult result = Run("printer", {{"bytes", 1}, {"exit", true}});
        if (result.termination.cause != Cause::kPluginError || !result.stdout_stream.complete) {
          ++failed;
          std::printf("%s\n", Describe(result).c_str());
        }
        if (result.stdout_stream.kept != "x") ++lost;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("%d runs: %d without their byte, %d with another end\n", runs, lost.load(),
              failed.load());
  EXPECT_EQ(lost.load(), 0);
  EXPECT_EQ(failed.load(), 0);
}

std::string ErrorOf(sandbox::SandboxRunner& runner, const sandbox::RunRequest& request) {
  const auto result = runner.Run(request);
  return result.ok() ? "no error: " + Describe(*result) : std::string(Message(result.status()));
}

TEST_F(BadInput, EachHasOneClearErrorThatNamesIt) {
  const auto expect = [&](const sandbox::RunRequest& request, const char* part) {
    const std::string error = ErrorOf(runner(), request);
    EXPECT_NE(error.find(part), std::string::npos) << error << "\nhas no: " << part;
  };
  expect({.plugin = "/no/such/bundle"}, "open /no/such/bundle: No such file or directory (ENOENT)");
  expect({.plugin = "/tmp"}, "no vortex-plugin.yaml");
  expect({.plugin = "sha256:12"}, "is not sha256: and 64 lower-case hex digits");
  expect({.plugin = "sha256:" + std::string(64, '0')}, "not in the bundle store");
  expect({.plugin = Plugin("echo"), .payload = "{\"a\":"}, "payload: not a JSON text at byte");
  expect({.plugin = Plugin("echo"), .payload = ""}, "payload: not a JSON text");
  expect({.plugin = Plugin("echo"), .payload = "\"" + std::string(17 << 20, 'x') + "\""},
         "more than the limit of 16777216");
  policy::LimitRequest zero, absurd, wider;
  zero.memory_bytes = 0;
  absurd.pids = 1'000'000'000;
  wider.memory_bytes = std::int64_t{1} << 30;
  expect({.plugin = Plugin("echo"), .limits = zero}, "[limits.memory.request] 0 is out of range");
  expect({.plugin = Plugin("echo"), .limits = absurd},
         "[limits.pids.request] 1000000000 is out of range");
  expect({.plugin = Plugin("echo"), .limits = wider}, "a request may only narrow");
}

TEST_F(BadInput, AClassThatCannotRunIsRefusedByNameBeforeAnythingIsMade) {
  sandbox::RunRequest request{.plugin = Plugin("echo")};
  request.runtime_class = oci::RuntimeClass::kKata;
  const auto result = runner().Run(request);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->termination.cause, Cause::kSandboxUnavailable);
  EXPECT_NE(result->termination.message.find("runtime class kata"), std::string::npos);
}

TEST_F(BadInput, AMissingImageSaysHowToGetIt) {
  sandbox::EmbeddedOptions other = options();
  other.image = "vortex.local/none:1";
  auto runner = sandbox::CreateEmbeddedRunner(other);
  ASSERT_TRUE(runner.ok());
  const auto result = (*runner)->Run({.plugin = Plugin("echo")});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->termination.cause, Cause::kSandboxUnavailable);
  EXPECT_NE(result->termination.message.find("vortexctl image build"), std::string::npos)
      << Describe(*result);
}

TEST_F(BadInput, APrivilegeIsDeniedByTheRuleThatSaysSo) {
  const auto result = runner().Run({.plugin = Plugin("wants-network")});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->termination.cause, Cause::kPolicyDenied);
  EXPECT_NE(result->termination.message.find("[network.not-allowlisted]"), std::string::npos);
}

}  // namespace
}  // namespace vortex::testing
