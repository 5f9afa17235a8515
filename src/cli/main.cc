// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include <cstdio>
#include <thread>

#include "cli/commands.h"
#include "cli/node.h"

namespace vortex::cli {
namespace {

// The first of these signals cancels; the command then cleans up and ends by itself. Called before
// any thread is started, so that all of them inherit the mask.
void CancelOnSignals(base::Cancellation& cancel) {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::thread([set, &cancel] {
    int signal = 0;
    while (sigwait(&set, &signal) == 0) cancel.Cancel();
  }).detach();
}

// Others do not look at it: a broken table must not keep anybody from `gc` or `version`.
bool NeedsClasses(Command command) {
  return command == Command::kRun || command == Command::kSpec || command == Command::kDoctor;
}

int Dispatch(const Args& args, base::Cancellation& cancel) {
  switch (args.command) {
    case Command::kRun:
      return RunPlugin(args, cancel);
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
      return Doctor(args, cancel);
    case Command::kImageList:
      return ListImages(args);
    case Command::kImageImport:
      return ImportArchive(args, cancel);
    case Command::kImageBuild:
      return BuildImage(args, cancel);
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
  // Never destroyed: the signal thread may look at it until the very end.
  static auto& cancel = *new vortex::base::Cancellation;
  vortex::cli::CancelOnSignals(cancel);
  if (vortex::cli::NeedsClasses(parsed.args.command)) {
    if (const auto loaded = vortex::cli::LoadClasses(parsed.args); !loaded.ok())
      return vortex::cli::Fail(loaded);
  }
  return vortex::cli::Dispatch(parsed.args, cancel);
}
