// SPDX-License-Identifier: Apache-2.0
#include "sandbox/runtime_classes.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "base/files.h"
#include "base/status.h"
#include "policy/yaml_reader.h"

namespace vortex::sandbox {
namespace {

using oci::RuntimeClass;
using policy::YamlField;

constexpr char kShim[] = "io.containerd.vortex.v2";
constexpr char kUnifiedControllers[] = "/sys/fs/cgroup/unified/cgroup.controllers";

absl::Status NotReady(RuntimeClass runtime_class, std::string_view why) {
  return Error(absl::StatusCode::kFailedPrecondition, "runtime class {}: {}",
               oci::Name(runtime_class), why);
}

// Empty when it is nowhere. The directories that a service's PATH may lack are looked through too.
std::string FindBinary(const std::string& name) {
  // A directory is "executable" too.
  const auto runs = [](const std::string& file) {
    struct stat info {};
    return ::stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
           ::access(file.c_str(), X_OK) == 0;
  };
  if (name.empty()) return {};
  if (name.starts_with('/')) return runs(name) ? name : std::string();
  const char* path = std::getenv("PATH");
  std::istringstream dirs(std::string(path != nullptr ? path : "") + ":/usr/local/bin:/usr/bin");
  for (std::string dir; std::getline(dirs, dir, ':');) {
    const std::string file = dir + "/" + name;
    if (dir.starts_with('/') && runs(file)) return file;
  }
  return {};
}

absl::StatusOr<bool> ReadBool(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(const std::string text, field.Number());
  if (text == "true" || text == "false") return text == "true";
  return field.Bad("\"{}\" is not true or false", text);
}

// "io.containerd.<name>.<version>", of which containerd makes containerd-shim-<name>-<version>; or
// an absolute path.
bool IsRuntimeType(const std::string& text) {
  if (text.starts_with('/')) return !text.ends_with('/');
  constexpr std::string_view kPrefix = "io.containerd.";
  if (!text.starts_with(kPrefix)) return false;
  const std::string rest = text.substr(kPrefix.size());
  const std::size_t dot = rest.find('.');
  return dot != std::string::npos && dot > 0 && dot + 1 < rest.size() &&
         rest.find('.', dot + 1) == std::string::npos &&
         rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string::npos;
}

absl::Status ReadRow(const YamlField& field, RuntimeClassInfo& row) {
  VX_ASSIGN_OR_RETURN(const auto members, field.Members({"binary", "runtime_type", "enabled"}));
  for (const auto& [key, value] : members) {
    if (key == "enabled") {
      VX_ASSIGN_OR_RETURN(row.enabled, ReadBool(value));
      continue;
    }
    VX_ASSIGN_OR_RETURN(const std::string text, value.Text());
    if (key == "binary") {
      if (text.empty() || text.ends_with('/'))
        return value.Bad("\"{}\" is not a program; write its name or absolute path", text);
      if (text.find('/') != std::string::npos && !text.starts_with('/'))
        return value.Bad("\"{}\" is neither a program's name nor an absolute path", text);
      row.binary = text;
    } else {
      if (!IsRuntimeType(text))
        return value.Bad(
            "\"{}\" is neither a containerd runtime (io.containerd.vortex.v2) nor the "
            "absolute path of a shim",
            text);
      row.runtime_type = text;
    }
  }
  return absl::OkStatus();
}

}  // namespace

RuntimeClassTable DefaultClasses() {
  return {{{RuntimeClass::kRunc, kShim, "runc", "runc"},
           {RuntimeClass::kCrun, kShim, "crun", "crun"},
           {RuntimeClass::kGvisor, kShim, "runsc", "runsc"},
           {RuntimeClass::kKata, "io.containerd.kata.v2", "containerd-shim-kata-v2", ""}}};
}

absl::StatusOr<RuntimeClassTable> ParseClasses(std::string_view yaml, std::string_view file_name) {
  VX_ASSIGN_OR_RETURN(const YAML::Node document,
                      policy::LoadYaml(yaml, file_name, kMaxClassesBytes));
  const YamlField root(document, "", file_name);
  VX_ASSIGN_OR_RETURN(const auto members, root.Members({"version", "default", "classes"}));
  RuntimeClassTable table = DefaultClasses();
  bool versioned = false;
  for (const auto& [key, value] : members) {
    if (key == "version") {
      VX_ASSIGN_OR_RETURN(const std::string text, value.Number());
      if (text != "1")
        return value.Bad("\"{}\" is not a version this program knows; write 1", text);
      versioned = true;
    } else if (key == "default") {
      VX_ASSIGN_OR_RETURN(const std::string text, value.Text());
      const auto parsed = oci::ParseRuntimeClass(text);
      if (!parsed.ok()) return value.Bad("{}", Message(parsed.status()));
      table.default_class = *parsed;
    } else {
      VX_ASSIGN_OR_RETURN(const auto rows, value.Members({"runc", "crun", "gvisor", "kata"}));
      for (const auto& [name, fields] : rows) {
        const RuntimeClass runtime_class = *oci::ParseRuntimeClass(name);
        const auto row = std::find_if(table.rows.begin(), table.rows.end(), [&](const auto& item) {
          return item.runtime_class == runtime_class;
        });
        VX_RETURN_IF_ERROR(ReadRow(fields, *row));
      }
    }
  }
  if (!versioned) return root.Bad("version is missing; write version: 1");
  return table;
}

const RuntimeClassInfo& Find(const RuntimeClassTable& table, RuntimeClass runtime_class) {
  return *std::find_if(table.rows.begin(), table.rows.end(), [&](const RuntimeClassInfo& row) {
    return row.runtime_class == runtime_class;
  });
}

absl::StatusOr<std::string> FindReady(const RuntimeClassTable& table, RuntimeClass runtime_class) {
  const RuntimeClassInfo& row = Find(table, runtime_class);
  if (!row.enabled) return NotReady(runtime_class, "switched off by the operator");
  const std::string binary = FindBinary(row.binary);
  if (binary.empty() && row.binary.starts_with('/') && ::access(row.binary.c_str(), F_OK) == 0)
    return NotReady(runtime_class, row.binary + " is not an executable file");
  if (binary.empty()) {
    return NotReady(runtime_class,
                    row.package.empty()
                        ? row.binary + " is not installed, and Debian has no package of it"
                        : row.binary + " is not installed: apt-get install " + row.package);
  }
  if (runtime_class == RuntimeClass::kKata) {
    return NotReady(
        runtime_class,
        "this version does not run jobs under Kata yet; use gvisor for a kernel of its own");
  }
  // An absolute path is the operator's word that it copes (a wrapper that hides the v2 hierarchy).
  const auto unified = base::ReadFile(kUnifiedControllers, 4096);
  if (runtime_class == RuntimeClass::kCrun && !row.binary.starts_with('/') && unified.ok() &&
      unified->size() > 1) {
    return NotReady(runtime_class,
                    "crun refuses a host with controllers on cgroup v1 and v2 at once: boot with "
                    "cgroup v2 alone, or name a wrapper as its binary in runtime-classes.yaml");
  }
  return binary;
}

}  // namespace vortex::sandbox
