// SPDX-License-Identifier: Apache-2.0
#include "review/schema.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace vortex::review {
namespace {

// Indentation is depth. Types: o object, m object with free keys, a array, s string, i integer, b
// bool. The element of an array is "[]", the value of a free key "*".
constexpr char kSchema[] = R"(
ociVersion s
hostname s
domainname s
annotations m
 * s
root o
 path s
 readonly b
process o
 terminal b
 consoleSize o
  height i
  width i
 user o
  uid i
  gid i
  umask i
  username s
  additionalGids a
   [] i
 args a
  [] s
 commandLine s
 env a
  [] s
 cwd s
 capabilities o
  bounding a
   [] s
  effective a
   [] s
  permitted a
   [] s
  inheritable a
   [] s
  ambient a
   [] s
 rlimits a
  [] o
   type s
   soft i
   hard i
 noNewPrivileges b
 apparmorProfile s
 selinuxLabel s
 oomScoreAdj i
 ioPriority o
  class s
  priority i
 scheduler o
  policy s
  nice i
  priority i
  flags a
   [] s
  runtime i
  deadline i
  period i
 execCPUAffinity o
  initial s
  final s
mounts a
 [] o
  destination s
  type s
  source s
  options a
   [] s
  uidMappings a
   [] o
    containerID i
    hostID i
    size i
  gidMappings a
   [] o
    containerID i
    hostID i
    size i
hooks o
 prestart a
  [] o
   path s
   args a
    [] s
   env a
    [] s
   timeout i
 createRuntime a
  [] o
   path s
   args a
    [] s
   env a
    [] s
   timeout i
 createContainer a
  [] o
   path s
   args a
    [] s
   env a
    [] s
   timeout i
 startContainer a
  [] o
   path s
   args a
    [] s
   env a
    [] s
   timeout i
 poststart a
  [] o
   path s
   args a
    [] s
   env a
    [] s
   timeout i
 poststop a
  [] o
   path s
   args a
    [] s
   env a
    [] s
   timeout i
linux o
 uidMappings a
  [] o
   containerID i
   hostID i
   size i
 gidMappings a
  [] o
   containerID i
   hostID i
   size i
 sysctl m
  * s
 cgroupsPath s
 namespaces a
  [] o
   type s
   path s
 devices a
  [] o
   type s
   path s
   major i
   minor i
   fileMode i
   uid i
   gid i
 netDevices m
  * o
   name s
 seccomp o
  defaultAction s
  defaultErrnoRet i
  architectures a
   [] s
  flags a
   [] s
  listenerPath s
  listenerMetadata s
  syscalls a
   [] o
    names a
     [] s
    action s
    errnoRet i
    args a
     [] o
      index i
      value i
      valueTwo i
      op s
 rootfsPropagation s
 maskedPaths a
  [] s
 readonlyPaths a
  [] s
 mountLabel s
 intelRdt o
  closID s
  l3CacheSchema s
  memBwSchema s
  schemata a
   [] s
  enableCMT b
  enableMBM b
  enableMonitoring b
 memoryPolicy o
  mode s
  nodes s
  flags a
   [] s
 personality o
  domain s
  flags a
   [] s
 timeOffsets m
  * o
   secs i
   nanosecs i
 resources o
  unified m
   * s
  devices a
   [] o
    allow b
    type s
    major i
    minor i
    access s
  memory o
   limit i
   reservation i
   swap i
   kernel i
   kernelTCP i
   swappiness i
   disableOOMKiller b
   useHierarchy b
   checkBeforeUpdate b
  cpu o
   shares i
   quota i
   burst i
   period i
   realtimeRuntime i
   realtimePeriod i
   idle i
   cpus s
   mems s
  pids o
   limit i
  blockIO o
   weight i
   leafWeight i
   weightDevice a
    [] o
     major i
     minor i
     weight i
     leafWeight i
   throttleReadBpsDevice a
    [] o
     major i
     minor i
     rate i
   throttleWriteBpsDevice a
    [] o
     major i
     minor i
     rate i
   throttleReadIOPSDevice a
    [] o
     major i
     minor i
     rate i
   throttleWriteIOPSDevice a
    [] o
     major i
     minor i
     rate i
  hugepageLimits a
   [] o
    pageSize s
    limit i
  network o
   classID i
   priorities a
    [] o
     name s
     priority i
  rdma m
   * o
    hcaHandles i
    hcaObjects i
)";

struct Field {
  char type = 'o';
  std::map<std::string, Field, std::less<>> inner;
};

Field ParseSchema() {
  Field root;
  std::vector<Field*> open = {&root};  // open[d]: what depth d is inside of
  std::string_view rest = kSchema;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.empty()) continue;
    const std::size_t depth = line.find_first_not_of(' ');
    const std::string name(line.substr(depth, line.size() - depth - 2));
    Field& field = open[depth]->inner[name];
    field.type = line.back();
    open.resize(depth + 1);
    open.push_back(&field);
  }
  return root;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return out;
}

bool TypeFits(char type, const Value& value) {
  switch (type) {
    case 'o':
    case 'm':
      return value.kind == Kind::kObject;
    case 'a':
      return value.kind == Kind::kArray;
    case 's':
      return value.kind == Kind::kString;
    case 'b':
      return value.kind == Kind::kBool;
    default:
      return value.Int().has_value();
  }
}

std::string TypeName(char type) {
  switch (type) {
    case 'o':
    case 'm':
      return "an object";
    case 'a':
      return "a list";
    case 's':
      return "a string";
    case 'b':
      return "true or false";
    default:
      return "an integer";
  }
}

class Walker {
 public:
  explicit Walker(const std::function<void(Oddity, const Node&, const std::string&)>& report)
      : report_(report) {}

  void Walk(const Field& field, const Node& node) {
    if (!node) return;
    if (!TypeFits(field.type, *node.value())) {
      return report_(Oddity::kType, node, TypeName(field.type));
    }
    if (node.Is(Kind::kString) && node.Text().find('\0') != std::string::npos)
      report_(Oddity::kNul, node, "");
    for (const Node& item : node.Items()) Walk(field.inner.at("[]"), item);
    for (const auto& [key, member] : node.Members()) WalkMember(field, key, member);
  }

 private:
  void WalkMember(const Field& field, const std::string& key, const Node& member) {
    if (field.type == 'm') {
      if (key.find('\0') != std::string::npos) report_(Oddity::kNul, member, "");
      return Walk(field.inner.at("*"), member);
    }
    if (const auto found = field.inner.find(key); found != field.inner.end())
      return Walk(found->second, member);
    static constexpr std::string_view kForeign[] = {"windows", "solaris", "vm", "zos", "freebsd"};
    if (member.path() == key &&
        std::find(std::begin(kForeign), std::end(kForeign), key) != std::end(kForeign)) {
      return report_(Oddity::kForeign, member, "");
    }
    for (const auto& [name, inner] : field.inner) {
      if (Lower(name) == Lower(key)) return report_(Oddity::kCase, member, name);
    }
    report_(Oddity::kUnknown, member, "");
  }

  const std::function<void(Oddity, const Node&, const std::string&)>& report_;
};

}  // namespace

void CheckShape(const Value& root,
                const std::function<void(Oddity, const Node&, const std::string&)>& report) {
  static const Field& schema = *new Field(ParseSchema());
  Walker(report).Walk(schema, Node(root));
}

}  // namespace vortex::review
