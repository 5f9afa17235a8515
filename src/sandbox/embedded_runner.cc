// SPDX-License-Identifier: Apache-2.0
#include "sandbox/embedded_runner.h"

#include <utility>

#include "base/files.h"
#include "base/status.h"
#include "sandbox/admission.h"
#include "sandbox/environment.h"
#include "sandbox/operator_options.h"
#include "sandbox/run_session.h"

namespace vortex::sandbox {
namespace {

class EmbeddedRunner : public SandboxRunner {
 public:
  EmbeddedRunner(EmbeddedOptions options, CgroupHost cgroups)
      : environment_(WithOperatorOptions(std::move(options)), std::move(cgroups)) {}

  absl::StatusOr<SandboxResult> Run(const RunRequest& request) override {
    return RunSession(environment_, request).Run();
  }

  absl::StatusOr<SandboxResult> DryRun(const RunRequest& request) override {
    return RunSession(environment_, request).DryRun();
  }

 private:
  Environment environment_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SandboxRunner>> CreateEmbeddedRunner(
    const EmbeddedOptions& options) {
  for (const std::string& dir : {options.state_dir, options.data_dir}) {
    if (!dir.starts_with('/'))
      return InvalidArgument("state and data directory: \"{}\" is not an absolute path", dir);
  }
  VX_RETURN_IF_ERROR(policy::CheckUntrustedHasSandbox(options.policy, ReadNodeFacts(options)));
  VX_ASSIGN_OR_RETURN(CgroupHost cgroups, CgroupHost::Detect());
  return std::make_unique<EmbeddedRunner>(options, std::move(cgroups));
}

}  // namespace vortex::sandbox
