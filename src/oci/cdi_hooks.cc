// SPDX-License-Identifier: Apache-2.0
#include "oci/cdi_hooks.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/status.h"
#include "oci/field_check.h"

namespace vortex::oci {
namespace {

// What `nvidia-ctk cdi generate` writes, and what takes its place here.
//   Source  NVIDIA Container Toolkit 1.14 to 1.18, cmd/nvidia-cdi-hook
struct Answer {
  std::string_view verb;
  std::string_view why;
};
constexpr std::array<Answer, 7> kAnswers = {{
    {"create-symlinks", "the links to mounted files are mounts of their own"},
    {"create-soname-symlinks", "a library is mounted under its SONAME too"},
    {"update-ldcache", "LD_LIBRARY_PATH names the directories, and libraries have their SONAMEs"},
    {"chmod", "directories below /dev are open to the plugin anyway"},
    {"enable-cuda-compat", "the host's driver is used as it is"},
    {"disable-device-node-modification", "no plugin can make or change a device node"},
    {"update-application-profile", "the driver's settings are read by nobody here"},
}};

std::string_view FileName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// "nvidia-cdi-hook VERB …" or, from older generators, "nvidia-ctk hook VERB …"; empty: another
// program.
std::string_view Verb(const CdiHook& hook) {
  const std::string_view program = FileName(hook.path);
  if (hook.name != "createContainer") return {};
  if (program == "nvidia-cdi-hook" && hook.args.size() > 1) return hook.args[1];
  if (program == "nvidia-ctk" && hook.args.size() > 2 && hook.args[1] == "hook")
    return hook.args[2];
  return {};
}

// `target` as a path of its own: a relative one starts where the link is.
std::string Resolved(std::string_view target, std::string_view link) {
  std::string path(target);
  if (!target.starts_with('/'))
    path = std::string(link.substr(0, link.rfind('/'))) + "/" + std::string(target);
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string part = path.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part != "..")
      parts.push_back(part);
    else if (!parts.empty())
      parts.pop_back();
  }
  std::string out;
  for (const std::string& part : parts) out += "/" + part;
  return out;
}

// The values of "--link", each "TARGET::LINK".
absl::Status TakeLinks(const CdiHook& hook, HookAnswers& out) {
  for (std::size_t i = 0; i < hook.args.size(); ++i) {
    std::string_view value = hook.args[i];
    if (value == "--link" && i + 1 < hook.args.size())
      value = hook.args[++i];
    else if (value.starts_with("--link="))
      value.remove_prefix(7);
    else
      continue;
    const std::size_t colons = value.find("::");
    if (colons == 0 || colons == std::string_view::npos ||
        !CheckPath("link", value.substr(colons + 2)).ok()) {
      return Error(absl::StatusCode::kFailedPrecondition,
                   "{}: the link \"{}\" is not TARGET::/ABSOLUTE/PATH", hook.where, value);
    }
    const std::string link(value.substr(colons + 2));
    out.links.emplace_back(Resolved(value.substr(0, colons), link), link);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<HookAnswers> AnswerHooks(const std::vector<CdiHook>& hooks) {
  HookAnswers out;
  for (const CdiHook& hook : hooks) {
    const std::string_view verb = Verb(hook);
    const auto answer = std::find_if(kAnswers.begin(), kAnswers.end(),
                                     [&](const Answer& row) { return row.verb == verb; });
    if (answer == kAnswers.end()) {
      return Error(
          absl::StatusCode::kFailedPrecondition,
          "{}: the {} hook {}{}{} would run as root on the host, and none is ever run; take it out "
          "of the file if the device works without it",
          hook.where, hook.name, hook.path, hook.args.size() > 1 ? " " : "",
          hook.args.size() > 1 ? hook.args[1] : "");
    }
    if (verb == "create-symlinks") VX_RETURN_IF_ERROR(TakeLinks(hook, out));
    out.notes.push_back(fmt::format("{}: {} is not run: {}", hook.where, verb, answer->why));
  }
  return out;
}

}  // namespace vortex::oci
