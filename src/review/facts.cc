// SPDX-License-Identifier: Apache-2.0
#include "review/facts.h"

#include <fmt/format.h>

#include <set>

#include "review/audit_context.h"
#include "review/schema.h"

namespace vortex::review {
namespace {

void UserFacts(const Node& user, FactWriter& facts) {
  const std::string key = "process.user";
  for (const char* id : {"uid", "gid"}) {
    const auto value = user[id].Int().value_or(0);
    const std::string name = fmt::format("{}.{}", key, id);
    if (value == 0) facts.Grant(name + " 0 (root)", user[id]);
    // Which of the others it is: only a change between two of them.
    if (value != 0) facts.Detail(name, user[id]);
  }
  for (const Node& group : user["additionalGids"].Items())
    facts.Grant(fmt::format("{}.additionalGids: {}", key, Compact(*group.value())), group);
  facts.Neutral(key + ".username", user["username"]);
  const std::int64_t umask = user["umask"].Int().value_or(0);
  for (std::int64_t bit = 0400; bit > 0; bit >>= 1) {
    if ((umask & bit) != 0) facts.Guard(fmt::format("{}.umask {:03o}", key, bit), user["umask"]);
  }
}

void EnvFacts(const Node& process, FactWriter& facts) {
  static const std::set<std::string_view> kRun = {"VORTEX_INIT_TOKEN", "VORTEX_RESULT_TOKEN",
                                                  "VORTEX_RUN_ID"};
  for (const Node& item : process["env"].Items()) {
    const std::string name = item.Text().substr(0, item.Text().find('='));
    facts.Neutral("process.env: " + name, item, kRun.contains(name));
  }
}

void ProcessFacts(const Node& process, FactWriter& facts) {
  UserFacts(process["user"], facts);
  facts.Neutral("process.args", process["args"]);
  facts.Neutral("process.commandLine", process["commandLine"]);
  facts.Neutral("process.cwd", process["cwd"]);
  facts.Neutral("process.consoleSize", process["consoleSize"]);
  EnvFacts(process, facts);
  if (process["terminal"].IsTrue()) facts.Grant("process.terminal", process["terminal"]);
  const Node capabilities = process["capabilities"];
  if (process && !capabilities)
    facts.Grant("process.capabilities: the runtime's choice", capabilities);
  // Where one of the specs leaves it to the runtime, single capabilities cannot be compared.
  if (capabilities) facts.Guard("process.capabilities", capabilities);
  facts.Under("process.capabilities");
  for (const char* set : {"bounding", "effective", "permitted", "inheritable", "ambient"}) {
    for (const std::string& name : capabilities[set].Texts())
      facts.Grant(fmt::format("process.capabilities.{}: {}", set, name), capabilities[set]);
  }
  facts.Under("");
  for (const Node& limit : process["rlimits"].Items()) {
    for (const char* part : {"soft", "hard"})
      facts.Limit(fmt::format("process.rlimits {} {}", limit["type"].Text(), part), limit[part],
                  false);
  }
  if (process["noNewPrivileges"].IsTrue())
    facts.Guard("process.noNewPrivileges", process["noNewPrivileges"]);
  if (const auto score = process["oomScoreAdj"].Int())
    facts.Floor("process.oomScoreAdj", process["oomScoreAdj"], static_cast<double>(*score),
                std::to_string(*score));
  for (const char* label : {"apparmorProfile", "selinuxLabel"}) {
    const std::string& text = process[label].Text();
    if (text.empty()) continue;
    if (text == "unconfined") {
      facts.Grant(fmt::format("process.{}: unconfined", label), process[label]);
    } else {
      facts.Unknown(fmt::format("process.{}", label), process[label]);
    }
  }
  for (const char* other : {"ioPriority", "scheduler", "execCPUAffinity"})
    facts.Unknown(fmt::format("process.{}", other), process[other]);
}

void AnnotationFacts(const Node& annotations, FactWriter& facts) {
  for (const auto& [key, node] : annotations.Members()) {
    const std::string name = "annotations: " + key;
    if (key == "io.vortex.runtime-class") {
      facts.Unknown(name, node);  // what all other fields mean
    } else if (key.starts_with("io.vortex.")) {
      facts.Neutral(name, node, key != "io.vortex.plugin-id");
    } else if (key.starts_with("org.opencontainers.") ||
               key == "io.kubernetes.cri.container-type") {
      facts.Neutral(name, node);
    } else if (key.starts_with("dev.gvisor.") || key.starts_with("io.katacontainers.") ||
               key.starts_with("run.oci.") || key.starts_with("org.systemd.property.") ||
               key.starts_with("cdi.k8s.io/") || key.starts_with("module.wasm.image/")) {
      facts.Grant(name, node);
      facts.Detail(name + " value", node);
    } else {
      facts.Unknown(name, node);
    }
  }
}

}  // namespace

Facts::Facts(const Value& root) : root_(root) {
  FactWriter facts(all_);
  facts.Neutral("ociVersion", root_["ociVersion"]);
  facts.Neutral("hostname", root_["hostname"]);
  facts.Neutral("domainname", root_["domainname"]);
  facts.Neutral("root.path", root_["root"]["path"], true);
  if (const std::string path = NormalPath(root_["root"]["path"].Text()); path == "/")
    facts.Grant("root.path is the host's root", root_["root"]["path"]);
  if (root_["root"]["readonly"].IsTrue()) facts.Guard("root.readonly", root_["root"]["readonly"]);
  ProcessFacts(root_["process"], facts);
  std::map<std::string, int> seen;
  std::vector<std::string> order;
  for (const Node& mount : root_["mounts"].Items()) {
    const std::string destination = NormalPath(mount["destination"].Text());
    const int nth = ++seen[destination];
    MountFacts(mount,
               fmt::format("mounts {}{}", destination, nth > 1 ? fmt::format(" #{}", nth) : ""),
               facts);
    order.push_back(destination);
  }
  // The order counts where one destination lies inside of another.
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t j = i + 1; j < order.size(); ++j) {
      if (order[j] != order[i] && Within(order[i], order[j])) {
        Fact fact =
            MakeFact(FactKind::kUnknown, root_["mounts"].Items()[j]["destination"], "later");
        facts.Put(fmt::format("mounts {} covers {}", order[j], order[i]), std::move(fact));
      }
    }
  }
  for (const auto& [when, list] : root_["hooks"].Members()) {
    for (const Node& hook : list.Items())
      facts.Grant(fmt::format("hooks.{}: {}", when, Compact(*hook.value())), hook);
  }
  AnnotationFacts(root_["annotations"], facts);
  LinuxFacts(root_, facts);
  // What the schema does not know has no other fact.
  CheckShape(root, [&](Oddity, const Node& node, const std::string&) {
    facts.Unknown(node.path() + " (not understood)", node);
  });
}

}  // namespace vortex::review
