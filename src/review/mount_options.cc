// SPDX-License-Identifier: Apache-2.0
//   Source  OCI runtime-spec, config.md, Linux mount options; mount(8); tmpfs(5), proc(5)
#include <algorithm>
#include <set>

#include "review/audit_context.h"

namespace vortex::review {
namespace {

bool Flag(const std::string& word, MountOptions& out) {
  const auto set = [&](std::string_view on, std::string_view off, bool& flag) {
    if (word == on || word == "r" + std::string(on)) return flag = true, true;
    if (word == off || word == "r" + std::string(off)) return flag = false, true;
    return false;
  };
  return set("ro", "rw", out.read_only) || set("nosuid", "suid", out.nosuid) ||
         set("nodev", "dev", out.nodev) || set("noexec", "exec", out.noexec);
}

bool Propagation(const std::string& word, MountOptions& out) {
  static constexpr std::pair<const char*, int> kWords[] = {
      {"private", 0}, {"rprivate", 0}, {"unbindable", 0}, {"runbindable", 0},
      {"slave", 2},   {"rslave", 2},   {"shared", 3},     {"rshared", 3}};
  for (const auto& [name, rank] : kWords) {
    if (word == name) return out.propagation = rank, true;
  }
  return false;
}

bool Setting(const std::string& word, MountOptions& out) {
  const auto take = [&](std::string_view key, std::optional<std::string>& value) {
    if (!word.starts_with(key)) return false;
    value = word.substr(key.size());
    return true;
  };
  return take("size=", out.size) || take("hidepid=", out.hidepid) || take("mode=", out.mode) ||
         take("subset=", out.subset) || take("nr_inodes=", out.inodes);
}

}  // namespace

MountOptions ReadOptions(const Node& options) {
  // Nothing that matters for isolation.
  static const std::set<std::string_view> kPlain = {
      "defaults", "async",      "sync",        "dirsync",      "atime",       "noatime",
      "diratime", "nodiratime", "relatime",    "norelatime",   "strictatime", "nostrictatime",
      "lazytime", "nolazytime", "iversion",    "noiversion",   "silent",      "loud",
      "mand",     "nomand",     "newinstance", "tmpcopyup",    "nosymfollow", "symfollow",
      "ratime",   "rnoatime",   "rrelatime",   "rstrictatime", "rnodiratime"};
  MountOptions out;
  for (const std::string& word : options.Texts()) {
    if (word == "bind" || word == "rbind") {
      out.bind = true;
    } else if (!Flag(word, out) && !Propagation(word, out) && !Setting(word, out) &&
               !kPlain.contains(word)) {
      out.unknown.push_back(word);
    }
  }
  return out;
}

bool IsBind(const Node& mount) {
  return mount["type"].Text() == "bind" || ReadOptions(mount["options"]).bind;
}

}  // namespace vortex::review
