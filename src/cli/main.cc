// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/node.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

namespace vortex::cli {
namespace {

// Others do not look at it: a broken table must not keep anybody from `gc` or `version`.
bool NeedsClasses(Command command) {
  return command == Command::kRun || command == Command::kSpec || command == Command::kDoctor;
}

int Dispatch(const Args& args) {
  switch (args.command) {
    case Command::kRun:
      return RunPlugin(args);
    case Command::kSpec:
      return PrintSpec(args);
    case Command::kSpecAudit:
      return AuditSpec(args);
    case Command::kSpecDiff:
      return DiffSpecs(args);
    case Command::kPs:
      return ListRuns(args);
    case Command::kGc:
      return CollectLeftovers(args);
    case Command::kDoctor:
      return Doctor(args);
    case Command::kImageList:
      return ListImages(args);
    case Command::kImageImport:
      return ImportArchive(args);
    case Command::kImageBuild:
      return BuildImage(args);
    case Command::kAuditVerify:
      return VerifyAudit(args);
    case Command::kAuditExport:
      return ExportAudit(args);
    case Command::kPolicyCheck:
      return CheckPolicyFile(args);
    case Command::kPolicyExplain:
      return ExplainPolicy(args);
    case Command::kPolicyDiff:
      return DiffPolicies(args);
    case Command::kVersion:
      return PrintVersion(args);
  }
  return 1;
}

// A result that nobody got is not a success.
int Delivered(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  if (errno != EPIPE) std::fprintf(stderr, "vortexctl: stdout: %s\n", std::strerror(errno));
  return code == 0 ? kExitSandbox : code;
}

// Everything of ours is written and closed by now. What is left are gRPC's threads; to join them
// takes 5 ms, a twentieth of a run.
[[noreturn]] void EndProcess(int code) {
#if defined(__SANITIZE_ADDRESS__)
  // _exit skips the check at exit.
  if (__lsan_do_recoverable_leak_check() != 0) code = 86;
#endif
  ::_exit(code);
}

}  // namespace
}  // namespace vortex::cli

int main(int argc, char** argv) {
  vortex::cli::ParsedArgs parsed = vortex::cli::ParseArgs(argc, argv);
  if (parsed.early) {
    std::fputs(parsed.early->text.c_str(), parsed.early->exit_code == 0 ? stdout : stderr);
    return parsed.early->exit_code;
  }
  // A closed stdout (`vortexctl … | head`) must not kill us in the middle of a clean-up.
  ::signal(SIGPIPE, SIG_IGN);
  if (vortex::cli::NeedsClasses(parsed.args.command)) {
    if (const auto loaded = vortex::cli::LoadClasses(parsed.args); !loaded.ok())
      return vortex::cli::Fail(loaded);
  }
  vortex::cli::EndProcess(vortex::cli::Delivered(vortex::cli::Dispatch(parsed.args)));
}
