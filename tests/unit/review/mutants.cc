// SPDX-License-Identifier: Apache-2.0
#include "unit/review/mutants.h"

#include <fmt/format.h>

#include <functional>

namespace vortex::review {
namespace {

using Json = nlohmann::json;

constexpr const char* kCapabilities[] = {
    "CAP_AUDIT_CONTROL",   "CAP_AUDIT_READ",   "CAP_AUDIT_WRITE",
    "CAP_BLOCK_SUSPEND",   "CAP_BPF",          "CAP_CHECKPOINT_RESTORE",
    "CAP_CHOWN",           "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",          "CAP_FSETID",       "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",       "CAP_KILL",         "CAP_LEASE",
    "CAP_LINUX_IMMUTABLE", "CAP_MAC_ADMIN",    "CAP_MAC_OVERRIDE",
    "CAP_MKNOD",           "CAP_NET_ADMIN",    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",   "CAP_NET_RAW",      "CAP_PERFMON",
    "CAP_SETFCAP",         "CAP_SETGID",       "CAP_SETPCAP",
    "CAP_SETUID",          "CAP_SYSLOG",       "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",        "CAP_SYS_CHROOT",   "CAP_SYS_MODULE",
    "CAP_SYS_NICE",        "CAP_SYS_PACCT",    "CAP_SYS_PTRACE",
    "CAP_SYS_RAWIO",       "CAP_SYS_RESOURCE", "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",  "CAP_WAKE_ALARM",   "CAP_FROM_THE_FUTURE"};

constexpr const char* kCalls[] = {"mount",
                                  "umount2",
                                  "pivot_root",
                                  "move_mount",
                                  "fsopen",
                                  "ptrace",
                                  "process_vm_readv",
                                  "process_vm_writev",
                                  "pidfd_getfd",
                                  "kcmp",
                                  "bpf",
                                  "keyctl",
                                  "add_key",
                                  "request_key",
                                  "userfaultfd",
                                  "io_uring_setup",
                                  "io_uring_enter",
                                  "io_uring_register",
                                  "unshare",
                                  "setns",
                                  "open_by_handle_at",
                                  "name_to_handle_at",
                                  "perf_event_open",
                                  "kexec_load",
                                  "kexec_file_load",
                                  "reboot",
                                  "init_module",
                                  "finit_module",
                                  "delete_module",
                                  "clone3",
                                  "iopl",
                                  "ioperm",
                                  "swapon",
                                  "acct",
                                  "quotactl",
                                  "syslog",
                                  "sethostname",
                                  "setdomainname",
                                  "settimeofday",
                                  "clock_settime",
                                  "adjtimex",
                                  "fanotify_init",
                                  "chroot",
                                  "modify_ldt",
                                  "io_setup",
                                  "memfd_secret",
                                  "cachestat",
                                  "process_madvise",
                                  "call_of_a_later_kernel"};

class Mutator {
 public:
  Mutator(const Json& golden, int first, int step, const std::function<void(const Mutant&)>& use)
      : golden_(golden), first_(first), step_(step), use_(use) {}

  void Run() {
    Namespaces();
    Process();
    Mounts();
    Paths();
    Seccomp();
    Devices();
    Resources();
    Host();
  }

 private:
  void Add(std::string what, const std::function<void(Json&)>& change) {
    if (count_++ % step_ != first_) return;
    Mutant mutant{std::move(what), golden_};
    change(mutant.spec);
    if (mutant.spec != golden_) use_(mutant);
  }

  const Json& linux_part() const { return golden_.at("linux"); }

  void Namespaces() {
    const Json& list = linux_part().at("namespaces");
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string type = list[i].at("type");
      Add("without namespace " + type, [&](Json& s) { s["linux"]["namespaces"].erase(i); });
      if (!list[i].contains("path")) {
        Add("joined namespace " + type,
            [&](Json& s) { s["linux"]["namespaces"][i]["path"] = "/proc/1/ns/" + type; });
        Add("elsewhere joined " + type,
            [&](Json& s) { s["linux"]["namespaces"][i]["path"] = "/run/ns/x"; });
      }
    }
    for (const char* map : {"uidMappings", "gidMappings"}) {
      if (!linux_part().contains(map)) continue;
      Add(fmt::format("{} to host root", map), [&](Json& s) { s["linux"][map][0]["hostID"] = 0; });
      Add(fmt::format("{} to host users", map),
          [&](Json& s) { s["linux"][map][0]["hostID"] = 1000; });
      Add(fmt::format("{} large", map), [&](Json& s) { s["linux"][map][0]["size"] = 655360; });
      Add(fmt::format("without {}", map), [&](Json& s) { s["linux"].erase(map); });
      Add(fmt::format("{} and host root", map), [&](Json& s) {
        s["linux"][map].push_back({{"containerID", 70000}, {"hostID", 0}, {"size", 1}});
      });
    }
  }

  void Process() {
    for (const char* set : {"bounding", "effective", "permitted", "inheritable", "ambient"}) {
      for (const char* name : kCapabilities) {
        Add(fmt::format("{} in {}", name, set), [&](Json& s) {
          Json& list = s["process"]["capabilities"][set];
          for (const Json& have : list) {
            if (have == name) return;
          }
          list.push_back(name);
        });
      }
    }
    Add("noNewPrivileges false", [](Json& s) { s["process"]["noNewPrivileges"] = false; });
    Add("without noNewPrivileges", [](Json& s) { s["process"].erase("noNewPrivileges"); });
    Add("without capabilities", [](Json& s) { s["process"].erase("capabilities"); });
    Add("terminal", [](Json& s) { s["process"]["terminal"] = true; });
    for (const char* id : {"uid", "gid"}) {
      Add(fmt::format("{} 0", id), [&](Json& s) { s["process"]["user"][id] = 0; });
      Add(fmt::format("without {}", id), [&](Json& s) { s["process"]["user"].erase(id); });
    }
    Add("without umask", [](Json& s) { s["process"]["user"].erase("umask"); });
    Add("umask 0", [](Json& s) { s["process"]["user"]["umask"] = 0; });
    Add("a group", [](Json& s) { s["process"]["user"]["additionalGids"] = {6}; });
    Add("oomScoreAdj -999", [](Json& s) { s["process"]["oomScoreAdj"] = -999; });
    Add("oomScoreAdj 0", [](Json& s) { s["process"]["oomScoreAdj"] = 0; });
    Add("without oomScoreAdj", [](Json& s) { s["process"].erase("oomScoreAdj"); });
    Add("apparmor unconfined", [](Json& s) { s["process"]["apparmorProfile"] = "unconfined"; });
    const Json& limits = golden_.at("process").at("rlimits");
    for (std::size_t i = 0; i < limits.size(); ++i) {
      const std::string type = limits[i].at("type");
      Add("without " + type, [&](Json& s) { s["process"]["rlimits"].erase(i); });
      const auto raised = [&](const char* part) {
        const auto now = limits[i].at(part).get<std::uint64_t>();
        return now == 0 ? std::uint64_t{10} : now * 10;
      };
      for (const char* part : {"soft", "hard"})
        Add(type + " " + part + " x 10",
            [&](Json& s) { s["process"]["rlimits"][i][part] = raised(part); });
      Add(type + " unlimited", [&](Json& s) {
        for (const char* part : {"soft", "hard"})
          s["process"]["rlimits"][i][part] = 18446744073709551615ULL;
      });
    }
  }

  void Mounts() {
    Add("root writable", [](Json& s) { s["root"]["readonly"] = false; });
    Add("root without readonly", [](Json& s) { s["root"].erase("readonly"); });
    Add("root of the host", [](Json& s) { s["root"]["path"] = "/"; });
    const Json& mounts = golden_.at("mounts");
    for (std::size_t i = 0; i < mounts.size(); ++i) {
      const std::string where = mounts[i].at("destination");
      const Json& options = mounts[i].at("options");
      for (std::size_t j = 0; j < options.size(); ++j) {
        const std::string word = options[j];
        // "bind" is the type again, "rw" the default, times are no matter of isolation.
        if (word == "bind" || word == "rw" || word == "strictatime") continue;
        // A mode that is absent is tmpfs's own: stricter ones only.
        if (word == "mode=1777") {
          Add(where + " not sticky", [&](Json& s) { s["mounts"][i]["options"][j] = "mode=0777"; });
          continue;
        }
        Add(where + " without " + word, [&](Json& s) { s["mounts"][i]["options"].erase(j); });
        if (word.starts_with("size="))
          Add(where + " size x 10", [&](Json& s) { s["mounts"][i]["options"][j] = word + "0"; });
      }
      for (const char* word : {"rw", "suid", "dev", "exec", "rshared", "shared", "rslave"}) {
        const bool had =
            std::string_view(word) == "rw"     ? options.dump().find("\"ro\"") != std::string::npos
            : std::string_view(word) == "suid" ? options.dump().find("nosuid") != std::string::npos
            : std::string_view(word) == "dev"  ? options.dump().find("nodev") != std::string::npos
            : std::string_view(word) == "exec" ? options.dump().find("noexec") != std::string::npos
                                               : true;
        if (had)
          Add(where + " and " + word, [&](Json& s) { s["mounts"][i]["options"].push_back(word); });
      }
      if (mounts[i].at("type") == "bind")
        Add(where + " from the host's root", [&](Json& s) { s["mounts"][i]["source"] = "/"; });
    }
    for (const char* source : {"/", "/proc", "/sys", "/dev", "/etc", "/root",
                               "/run/containerd/containerd.sock", "/var/run/docker.sock",
                               "/var/lib/kubelet", "/home", "/srv/data", "/run", "/usr/../etc/"}) {
      for (const char* mode : {"ro", "rw"}) {
        Add(fmt::format("bind {} {}", source, mode), [&](Json& s) {
          s["mounts"].push_back(
              {{"destination", "/host"},
               {"type", "bind"},
               {"source", source},
               {"options", {"rbind", mode, "nosuid", "nodev", "noexec", "rprivate"}}});
        });
      }
    }
    for (const char* type : {"sysfs", "cgroup", "cgroup2", "debugfs", "tracefs", "securityfs",
                             "devtmpfs", "bpf", "ext4", "nfs", "overlay", "mqueue", "devpts"}) {
      Add(fmt::format("mount {}", type), [&](Json& s) {
        s["mounts"].push_back({{"destination", "/x"},
                               {"type", type},
                               {"source", type},
                               {"options", {"nosuid", "nodev", "noexec"}}});
      });
    }
    Add("rootfsPropagation shared", [](Json& s) { s["linux"]["rootfsPropagation"] = "shared"; });
    Add("rootfsPropagation slave", [](Json& s) { s["linux"]["rootfsPropagation"] = "slave"; });
    Add("without rootfsPropagation", [](Json& s) { s["linux"].erase("rootfsPropagation"); });
  }

  void Paths() {
    for (const char* field : {"maskedPaths", "readonlyPaths"}) {
      if (!linux_part().contains(field)) continue;
      const Json& list = linux_part().at(field);
      for (std::size_t i = 0; i < list.size(); ++i)
        Add(fmt::format("{} without {}", field, list[i].get<std::string>()),
            [&](Json& s) { s["linux"][field].erase(i); });
      Add(fmt::format("without {}", field), [&](Json& s) { s["linux"].erase(field); });
    }
  }

  void Seccomp() {
    if (!linux_part().contains("seccomp")) return;
    const Json& seccomp = linux_part().at("seccomp");
    Add("without seccomp", [](Json& s) { s["linux"].erase("seccomp"); });
    for (const char* action : {"SCMP_ACT_ALLOW", "SCMP_ACT_LOG"})
      Add(fmt::format("default {}", action),
          [&](Json& s) { s["linux"]["seccomp"]["defaultAction"] = action; });
    for (const char* arch : {"SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_ARM"})
      Add(arch, [&](Json& s) { s["linux"]["seccomp"]["architectures"].push_back(arch); });
    Add("spec allow",
        [](Json& s) { s["linux"]["seccomp"]["flags"] = {"SECCOMP_FILTER_FLAG_SPEC_ALLOW"}; });
    for (const char* call : kCalls) {
      Add(fmt::format("allow {}", call), [&](Json& s) {
        // Before the rules that refuse it, and instead of them.
        for (Json& rule : s["linux"]["seccomp"]["syscalls"]) {
          Json names = Json::array();
          for (const Json& name : rule["names"]) {
            if (name != call) names.push_back(name);
          }
          rule["names"] = names;
        }
        s["linux"]["seccomp"]["syscalls"].push_back(
            {{"names", {call}}, {"action", "SCMP_ACT_ALLOW"}});
      });
      Add(fmt::format("log {}", call), [&](Json& s) {
        s["linux"]["seccomp"]["syscalls"].push_back(
            {{"names", {call}}, {"action", "SCMP_ACT_LOG"}});
      });
    }
    const Json& rules = seccomp.at("syscalls");
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const std::string name =
          fmt::format("{} ({})", rules[i].at("names")[0].get<std::string>(), i);
      if (rules[i].at("action") != "SCMP_ACT_ALLOW") {
        Add("allow instead of refusing " + name,
            [&](Json& s) { s["linux"]["seccomp"]["syscalls"][i]["action"] = "SCMP_ACT_ALLOW"; });
        continue;
      }
      if (!rules[i].contains("args")) continue;
      Add("unconditional " + name,
          [&](Json& s) { s["linux"]["seccomp"]["syscalls"][i].erase("args"); });
      const Json& args = rules[i].at("args");
      for (std::size_t j = 0; j < args.size(); ++j) {
        if (args.size() > 1)
          Add(fmt::format("{} without argument {}", name, j),
              [&](Json& s) { s["linux"]["seccomp"]["syscalls"][i]["args"].erase(j); });
        if (args[j].at("op") == "SCMP_CMP_MASKED_EQ") {
          const auto mask = args[j].at("value").get<std::uint64_t>();
          const auto want = args[j].at("valueTwo").get<std::uint64_t>();
          for (std::uint64_t bit = 1; bit != 0; bit <<= 1) {
            if ((mask & bit) == 0) continue;
            Add(fmt::format("{} argument {} mask without {:#x}", name, j, bit), [&](Json& s) {
              Json& arg = s["linux"]["seccomp"]["syscalls"][i]["args"][j];
              arg["value"] = mask & ~bit;
              arg["valueTwo"] = want & ~bit;
            });
          }
        } else {
          Add(fmt::format("{} argument {} anything from 0 on", name, j), [&](Json& s) {
            Json& arg = s["linux"]["seccomp"]["syscalls"][i]["args"][j];
            arg["op"] = "SCMP_CMP_GE";
            arg["value"] = 0;
          });
        }
      }
    }
  }

  void Devices() {
    Add("without device rules", [](Json& s) { s["linux"]["resources"].erase("devices"); });
    Add("allow all devices", [](Json& s) {
      s["linux"]["resources"]["devices"].push_back({{"allow", true}, {"access", "rwm"}});
    });
    struct Rule {
      const char* type;
      int major, minor;
    };
    for (const Rule rule : {Rule{"c", 1, 1},
                            {"c", 1, 2},
                            {"c", 1, 4},
                            {"c", 1, 11},
                            {"b", 8, 0},
                            {"b", -1, -1},
                            {"c", -1, -1},
                            {"c", 10, 200},
                            {"c", 10, 229},
                            {"c", 10, 232},
                            {"c", 10, 237},
                            {"c", 226, 128},
                            {"c", 195, -1}}) {
      Add(fmt::format("allow {} {}:{}", rule.type, rule.major, rule.minor), [&](Json& s) {
        Json item = {{"allow", true}, {"type", rule.type}, {"access", "rw"}};
        if (rule.major >= 0) item["major"] = rule.major;
        if (rule.minor >= 0) item["minor"] = rule.minor;
        s["linux"]["resources"]["devices"].push_back(item);
      });
      if (rule.minor < 0) continue;
      Add(fmt::format("node {} {}:{}", rule.type, rule.major, rule.minor), [&](Json& s) {
        s["linux"]["devices"].push_back({{"path", "/dev/x"},
                                         {"type", rule.type},
                                         {"major", rule.major},
                                         {"minor", rule.minor}});
      });
    }
    if (linux_part().contains("devices")) {
      Add("device rule for every minor",
          [](Json& s) { s["linux"]["resources"]["devices"].back().erase("minor"); });
      Add("device mknod",
          [](Json& s) { s["linux"]["resources"]["devices"].back()["access"] = "rwm"; });
    }
  }

  void Resources() {
    const Json& resources = linux_part().at("resources");
    for (const auto& [section, field] :
         {std::pair("memory", "limit"), {"memory", "swap"}, {"cpu", "quota"}, {"pids", "limit"}}) {
      if (!resources.contains(section) || !resources.at(section).contains(field)) continue;
      const auto now = resources.at(section).at(field).get<std::int64_t>();
      Add(fmt::format("{}.{} x 10", section, field),
          [&](Json& s) { s["linux"]["resources"][section][field] = now * 10; });
      Add(fmt::format("{}.{} + 1", section, field),
          [&](Json& s) { s["linux"]["resources"][section][field] = now + 1; });
      Add(fmt::format("{}.{} -1", section, field),
          [&](Json& s) { s["linux"]["resources"][section][field] = -1; });
      Add(fmt::format("{}.{} 0", section, field),
          [&](Json& s) { s["linux"]["resources"][section][field] = 0; });
      Add(fmt::format("without {}.{}", section, field),
          [&](Json& s) { s["linux"]["resources"][section].erase(field); });
      Add(fmt::format("without {}", section),
          [&](Json& s) { s["linux"]["resources"].erase(section); });
    }
    Add("short cpu period", [](Json& s) { s["linux"]["resources"]["cpu"]["period"] = 1000; });
    Add("without resources", [](Json& s) { s["linux"].erase("resources"); });
    Add("oom killer off",
        [](Json& s) { s["linux"]["resources"]["memory"]["disableOOMKiller"] = true; });
    Add("real time", [](Json& s) { s["linux"]["resources"]["cpu"]["realtimeRuntime"] = 90000; });
    Add("burst", [](Json& s) { s["linux"]["resources"]["cpu"]["burst"] = 90000; });
    Add("shares", [](Json& s) { s["linux"]["resources"]["cpu"]["shares"] = 262144; });
    if (resources.contains("unified"))
      Add("without oom group", [](Json& s) { s["linux"]["resources"].erase("unified"); });
    Add("root cgroup", [](Json& s) { s["linux"]["cgroupsPath"] = "/"; });
    Add("cgroup above", [](Json& s) { s["linux"]["cgroupsPath"] = "/vortex/../system.slice"; });
    Add("without cgroupsPath", [](Json& s) { s["linux"].erase("cgroupsPath"); });
  }

  void Host() {
    for (const char* when : {"prestart", "createRuntime", "createContainer", "startContainer",
                             "poststart", "poststop"})
      Add(fmt::format("hook {}", when), [&](Json& s) {
        s["hooks"][when] = {{{"path", "/bin/sh"}}};
      });
    for (const char* key : {"dev.gvisor.flag.network", "io.katacontainers.config.hypervisor.path",
                            "run.oci.handler", "org.systemd.property.DevicePolicy", "cdi.k8s.io/x"})
      Add(fmt::format("annotation {}", key), [&](Json& s) { s["annotations"][key] = "x"; });
    Add("net device", [](Json& s) { s["linux"]["netDevices"]["eth0"]["name"] = "eth0"; });
  }

  const Json& golden_;
  int first_, step_, count_ = 0;
  const std::function<void(const Mutant&)>& use_;
};

}  // namespace

void EachLoosening(const Json& golden, int first, int step,
                   const std::function<void(const Mutant&)>& use) {
  Mutator(golden, first, step, use).Run();
}

}  // namespace vortex::review
