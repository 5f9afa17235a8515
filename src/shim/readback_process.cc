// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>

#include "shim/files.h"
#include "shim/readback_checks.h"

namespace vortex::shim {
namespace {

constexpr struct {
  std::string_view name;
  int number;
} kRlimits[] = {{"RLIMIT_AS", RLIMIT_AS},
                {"RLIMIT_CORE", RLIMIT_CORE},
                {"RLIMIT_CPU", RLIMIT_CPU},
                {"RLIMIT_DATA", RLIMIT_DATA},
                {"RLIMIT_FSIZE", RLIMIT_FSIZE},
                {"RLIMIT_LOCKS", RLIMIT_LOCKS},
                {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
                {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
                {"RLIMIT_NICE", RLIMIT_NICE},
                {"RLIMIT_NOFILE", RLIMIT_NOFILE},
                {"RLIMIT_NPROC", RLIMIT_NPROC},
                {"RLIMIT_RSS", RLIMIT_RSS},
                {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
                {"RLIMIT_RTTIME", RLIMIT_RTTIME},
                {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
                {"RLIMIT_STACK", RLIMIT_STACK}};

std::string RlimitText(std::uint64_t soft, std::uint64_t hard) {
  const auto word = [](std::uint64_t value) {
    return value == RLIM_INFINITY ? std::string("unlimited") : std::to_string(value);
  };
  return word(soft) + "/" + word(hard);
}

// An id inside the user namespace as the host sees it; the id itself without a mapping for it.
std::uint64_t HostId(std::uint64_t id, const std::vector<SpecIdMapping>& mappings) {
  for (const SpecIdMapping& mapping : mappings) {
    if (id >= mapping.container && id - mapping.container < mapping.size)
      return mapping.host + (id - mapping.container);
  }
  return id;
}

std::string Joined(const std::vector<std::uint64_t>& numbers) {
  std::string out;
  for (const std::uint64_t number : numbers)
    out += (out.empty() ? "" : " ") + std::to_string(number);
  return out.empty() ? "none" : out;
}

std::vector<std::uint64_t> Numbers(std::string_view text) {
  std::vector<std::uint64_t> out;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of(" \t");
    if (const auto number = ParseNumber(text.substr(0, end))) out.push_back(*number);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

// Real, effective, saved and filesystem id.
void CheckFourIds(const char* name, std::uint64_t wanted, std::string_view found,
                  ControlChecker* checker) {
  const auto ids = Numbers(found);
  const bool good = ids.size() == 4 && std::count(ids.begin(), ids.end(), wanted) == 4;
  checker->Switch(name, good, std::to_string(wanted), good ? std::to_string(wanted) : Joined(ids));
}

}  // namespace

std::string StatusField(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = NextLine(&text);
    if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ':') {
      return std::string(Trim(line.substr(key.size() + 1)));
    }
  }
  return "";
}

void CheckIdentity(const SpecControls& spec, std::string_view status, ControlChecker* checker) {
  CheckFourIds("uid", HostId(spec.uid, spec.uid_mappings), StatusField(status, "Uid"), checker);
  CheckFourIds("gid", HostId(spec.gid, spec.gid_mappings), StatusField(status, "Gid"), checker);
  std::vector<std::uint64_t> wanted;
  for (const std::uint64_t gid : spec.additional_gids)
    wanted.push_back(HostId(gid, spec.gid_mappings));
  // The process's own group among them is no more than it has.
  std::vector<std::uint64_t> found = Numbers(StatusField(status, "Groups"));
  std::vector<std::uint64_t> foreign;
  for (const std::uint64_t gid : found) {
    if (gid != HostId(spec.gid, spec.gid_mappings) &&
        std::find(wanted.begin(), wanted.end(), gid) == wanted.end())
      foreign.push_back(gid);
  }
  checker->Switch("groups", foreign.empty(), Joined(wanted), Joined(found));
}

// Only what is too much is a missing control; what a granted set lacks the job itself will miss.
void CheckCapabilities(const SpecControls& spec, std::string_view status, ControlChecker* checker) {
  std::string seen;
  for (std::size_t i = 0; i < kCapabilitySets.size(); ++i) {
    const std::string set(kCapabilitySets[i]);
    const std::string text = StatusField(status, set);
    if (text.empty()) return checker->Missing("capabilities", set, "no line " + set);
    const std::uint64_t extra = std::strtoull(text.c_str(), nullptr, 16) & ~spec.capabilities[i];
    for (unsigned bit = 0; bit < 64; ++bit) {
      if ((extra >> bit & 1) == 0) continue;
      return checker->Missing("capabilities", set + " without " + CapabilityName(bit),
                              set + " " + text);
    }
    seen += (seen.empty() ? "" : ", ") + set + " " + text;
  }
  checker->Good("capabilities", seen);
}

void CheckRlimits(pid_t pid, const SpecControls& spec, ControlChecker* checker) {
  std::string seen;
  for (const SpecRlimit& wanted : spec.rlimits) {
    const auto* known = std::find_if(std::begin(kRlimits), std::end(kRlimits),
                                     [&](const auto& row) { return row.name == wanted.type; });
    const std::string name = "rlimit " + wanted.type;
    const std::string wish = RlimitText(wanted.soft, wanted.hard);
    rlimit found{};
    if (known == std::end(kRlimits)) return checker->Missing(name, wish, "no such limit");
    if (::prlimit(pid, static_cast<__rlimit_resource>(known->number), nullptr, &found) != 0)
      return checker->Missing(name, wish, FromErrno("prlimit", errno).message);
    const std::string text = RlimitText(found.rlim_cur, found.rlim_max);
    if (found.rlim_cur != wanted.soft || found.rlim_max != wanted.hard)
      return checker->Missing(name, wish, text);
    seen += (seen.empty() ? "" : ", ") + wanted.type.substr(wanted.type.find('_') + 1) + " " + text;
  }
  if (!seen.empty()) checker->Good("rlimits", seen);
}

void CheckOomScore(const std::string& proc, const SpecControls& spec, ControlChecker* checker) {
  if (!spec.oom_score_adj) return;
  const std::string found(Trim(ReadFile(proc + "/oom_score_adj", 64).value_or("")));
  const std::string wanted = std::to_string(*spec.oom_score_adj);
  checker->Switch("oom_score_adj", found == wanted, wanted, found);
}

// Profiles are set "on exec", so what counts is the one that is to come; without it the current
// one.
void CheckLabels(const std::string& proc, const SpecControls& spec, ControlChecker* checker) {
  const auto label = [&](const char* dir) {
    for (const char* file : {"exec", "current"}) {
      const std::string text(
          Trim(ReadFile(proc + "/attr/" + dir + file, 4096).value_or("").c_str()));
      if (!text.empty()) return text;
    }
    return std::string("no label");
  };
  if (!spec.apparmor_profile.empty()) {
    std::string found = label("apparmor/");
    if (found == "no label") found = label("");
    // "name (enforce)"; "unconfined" has no mode.
    const std::string word = found.substr(0, found.find(" ("));
    const bool enforced = spec.apparmor_profile == "unconfined" || found.ends_with("(enforce)");
    checker->Switch("apparmor", word == spec.apparmor_profile && enforced,
                    spec.apparmor_profile + ", enforced", found);
  }
  if (!spec.selinux_label.empty()) {
    const std::string found = label("");
    checker->Switch("selinux", found == spec.selinux_label, spec.selinux_label, found);
  }
}

}  // namespace vortex::shim
