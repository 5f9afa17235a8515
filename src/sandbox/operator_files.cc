// SPDX-License-Identifier: Apache-2.0
#include "sandbox/operator_files.h"

#include <cerrno>

#include "base/status.h"
#include "sandbox/owned_file.h"

namespace vortex::sandbox {
namespace {

template <typename T>
absl::StatusOr<T> Load(const char* what, const std::string& named, const char* standard,
                       std::size_t limit,
                       absl::StatusOr<T> (*parse)(std::string_view, std::string_view),
                       T (*built_in)()) {
  const std::string file = named.empty() ? standard : named;
  const auto text = ReadOperatorFile(file, limit);
  if (named.empty() && GetErrno(text.status()) == ENOENT) return built_in();
  if (!text.ok()) return Annotate(text.status(), what);
  return parse(*text, file);
}

}  // namespace

absl::StatusOr<policy::Policy> LoadPolicy(const std::string& file) {
  return Load("policy", file, kDefaultPolicyFile, policy::kMaxPolicyBytes, policy::ParsePolicy,
              policy::BuiltInPolicy);
}

absl::StatusOr<RuntimeClassTable> LoadClasses(const std::string& file) {
  return Load("class table", file, kDefaultClassesFile, kMaxClassesBytes, ParseClasses,
              DefaultClasses);
}

}  // namespace vortex::sandbox
