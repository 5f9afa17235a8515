// SPDX-License-Identifier: Apache-2.0
// The commands; each returns the exit code of the process and has printed everything.
#pragma once

#include "absl/status/status.h"
#include "cli/args.h"

namespace vortex::cli {

int RunPlugin(const Args& args);
int PrintSpec(const Args& args);
int AuditSpec(const Args& args);
int DiffSpecs(const Args& args);
int ListRuns(const Args& args);
int CollectLeftovers(const Args& args);
int Doctor(const Args& args);
int ListImages(const Args& args);
int ImportArchive(const Args& args);
int BuildImage(const Args& args);
int VerifyAudit(const Args& args);
int ExportAudit(const Args& args);
int CheckPolicyFile(const Args& args);
int ExplainPolicy(const Args& args);
int DiffPolicies(const Args& args);
int PrintVersion(const Args& args);

// "vortexctl: <message>" on stderr; returns kExitSandbox.
int Fail(const absl::Status& status);

}  // namespace vortex::cli
