// SPDX-License-Identifier: Apache-2.0
// Hooks of a CDI file are programs that the runtime runs as root on the host. None is ever run;
// those of NVIDIA's generator are answered in another way.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "oci/cdi_edits.h"

namespace vortex::oci {

struct HookAnswers {
  // Names that files of mounts get besides their own: {target, link}, absolute paths inside.
  std::vector<std::pair<std::string, std::string>> links;
  std::vector<std::string> notes;
};

// FailedPrecondition names the hook that has no answer.
absl::StatusOr<HookAnswers> AnswerHooks(const std::vector<CdiHook>& hooks);

}  // namespace vortex::oci
