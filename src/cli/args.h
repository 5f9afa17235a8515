// SPDX-License-Identifier: Apache-2.0
// The command line of vortexctl as plain data. CLI11 is seen by args.cc only: it costs seconds in
// each file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sandbox/embedded_runner.h"

namespace vortex::cli {

enum class Command {
  kRun,
  kSpec,
  kSpecAudit,
  kSpecDiff,
  kPs,
  kGc,
  kDoctor,
  kImageList,
  kImageImport,
  kImageBuild,
  kAuditVerify,
  kAuditExport,
  kPolicyCheck,
  kPolicyExplain,
  kPolicyDiff,
  kVersion
};

// spec audit, spec diff
struct ReviewArgs {
  std::vector<std::string> files;  // one, or two; "-" is stdin
  std::string runtime_class;       // empty: what the spec says
  std::string fail_on = "high";
  bool sarif = false;
  bool brief = false;
  bool ignore_run_fields = false;
};

struct Args {
  Command command = Command::kVersion;
  sandbox::EmbeddedOptions options;
  std::string classes_file;  // empty: the default one, if there is one
  std::string policy_file;   // empty: the default one, if there is one
  bool json = false;
  ReviewArgs review;

  // run, spec
  std::string plugin;
  std::string payload = "null";  // JSON text, "-" for stdin or "@file"
  std::string memory, cpus, pids, budget, tmp, output, runtime_class;
  bool dry_run = false;
  bool report = false;
  std::string spec_out;
  std::string metrics_out;
  std::string traceparent;

  // policy check, policy diff
  std::string policy_a, policy_b;

  // image import, image build
  std::string archive;
  std::string image_name;
  std::string layout_dir;

  // audit verify, audit export
  std::string audit_path;
  std::string audit_expect_head;
  std::string audit_format = "ocsf";
  bool audit_from_start = false;
};

// What the process should do instead of a command: print `text` and exit with `exit_code`.
struct EarlyExit {
  int exit_code = 0;
  std::string text;
};

struct ParsedArgs {
  std::optional<EarlyExit> early;
  Args args;
};

ParsedArgs ParseArgs(int argc, char** argv);

}  // namespace vortex::cli
