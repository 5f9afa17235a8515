// SPDX-License-Identifier: Apache-2.0
// A broken OCI runtime drops one control of the spec: the plugin is not started, and the result
// says which.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/files.h"
#include "integration/sandbox/sandbox_fixture.h"

namespace vortex::testing {
namespace {

using sandbox::Cause;

struct Broken {
  std::string name;
  std::string edit;     // Python; `c` is config.json, `l` its linux, `p` its process
  std::string control;  // as the result must name it
};

std::ostream& operator<<(std::ostream& out, const Broken& broken) { return out << broken.name; }

const Broken kBroken[] = {
    {"user_namespace",
     "l['namespaces'] = [n for n in l['namespaces'] if n['type'] != 'user']\n"
     "del l['uidMappings'], l['gidMappings']",
     "namespace user"},
    {"uid_map", "l['uidMappings'][0]['hostID'] += 65536", "uid map"},
    {"uid_map_size", "l['uidMappings'][0]['size'] += 1", "uid map"},
    {"gid_map", "l['gidMappings'][0]['size'] += 1", "gid map"},
    {"ipc_namespace", "l['namespaces'] = [n for n in l['namespaces'] if n['type'] != 'ipc']",
     "namespace ipc"},
    {"uts_namespace",
     "l['namespaces'] = [n for n in l['namespaces'] if n['type'] != 'uts']\ndel c['hostname']",
     "namespace uts"},
    {"cgroup_namespace", "l['namespaces'] = [n for n in l['namespaces'] if n['type'] != 'cgroup']",
     "namespace cgroup"},
    {"pid_namespace",
     // Alone runc could not mount /proc.
     "l['namespaces'] = [n for n in l['namespaces'] if n['type'] not in ('pid', 'user')]\n"
     "del l['uidMappings'], l['gidMappings']",
     "namespace pid"},
    {"network_of_the_host",
     "l['namespaces'] = [n for n in l['namespaces'] if n['type'] != 'network']",
     "namespace network"},
    {"rlimit_value", "[r for r in p['rlimits'] if r['type'] == 'RLIMIT_NOFILE'][0]['soft'] = 100",
     "rlimit RLIMIT_NOFILE"},
    {"rlimit_gone", "p['rlimits'] = [r for r in p['rlimits'] if r['type'] != 'RLIMIT_FSIZE']",
     "rlimit RLIMIT_FSIZE"},
    {"masked_paths", "l['maskedPaths'] = []", "masked path /proc/"},
    {"one_masked_file", "l['maskedPaths'].remove('/proc/kmsg')", "masked path /proc/kmsg"},
    {"one_masked_directory", "l['maskedPaths'].remove('/proc/fs')", "masked path /proc/fs"},
    {"readonly_paths", "l['readonlyPaths'].remove('/proc/sys')", "read-only path /proc/sys"},
    {"devices", "l['resources']['devices'] = [{'allow': True, 'access': 'rwm'}]", "devices"},
    {"one_device",
     "l['resources']['devices'].append({'allow': True, 'type': 'c', 'major': 10, 'minor': 229, "
     "'access': 'rw'})",
     "devices"},
    {"oom_score_adj", "p['oomScoreAdj'] = 100", "oom_score_adj"},
    {"another_mount",
     "c['mounts'].append({'destination': '/dev/extra', 'type': 'bind', 'source': '/etc', "
     "'options': ['bind', 'ro']})",
     "mount /dev/extra"},
    {"a_mount_over_another",
     "c['mounts'].append({'destination': '/tmp', 'type': 'tmpfs', 'source': 'tmpfs', "
     "'options': ['nosuid', 'nodev', 'noexec']})",
     "mount /tmp"},
    {"a_mount_over_the_masked",
     "c['mounts'].append({'destination': '/proc', 'type': 'proc', 'source': 'proc', "
     "'options': ['nosuid', 'nodev', 'noexec']})",
     "mount /proc"},
    {"another_bundle", "[m for m in c['mounts'] if m['type'] == 'bind'][0]['source'] = '/etc'",
     "mount /plugin"},
    {"a_flag",
     "[m for m in c['mounts'] if m['destination'] == '/tmp'][0]['options'].remove('noexec')",
     "mount /tmp"},
    {"writable_bundle",
     "[m for m in c['mounts'] if m['type'] == 'bind'][0]['options'].remove('ro')", "mount /plugin"},
    {"bounding_set", "p['capabilities']['bounding'] = ['CAP_NET_RAW']", "capabilities"},
    {"every_set", "for s in p['capabilities']: p['capabilities'][s] = ['CAP_KILL']",
     "capabilities"},
    {"uid", "p['user']['uid'] = 1", "uid"},
    {"gid", "p['user']['gid'] = 0", "gid"},
    {"groups", "p['user']['additionalGids'] = [10]", "groups"},
    {"no_new_privileges", "p['noNewPrivileges'] = False", "no_new_privileges"},
    {"seccomp", "del l['seccomp']", "seccomp"},
    {"memory", "del l['resources']['memory']", "memory"},
    {"pids", "del l['resources']['pids']", "pids"},
    {"cpu", "del l['resources']['cpu']", "cpu"},
};

class Readback : public SandboxTest {
 protected:
  // A runtime that is runc, but for what `edit` does to the spec before.
  static std::string Wrapper(const std::string& name, const std::string& edit) {
    const std::string script = containerd().dir() + "/edit-" + name + ".py";
    const std::string runtime = containerd().dir() + "/runc-" + name;
    EXPECT_TRUE(base::WriteFileAtomic(script,
                                      "import json\nc = json.load(open('config.json'))\n"
                                      "l = c['linux']\np = c['process']\n" +
                                          edit + "\njson.dump(c, open('config.json', 'w'))\n",
                                      0644)
                    .ok());
    EXPECT_TRUE(
        base::WriteFileAtomic(runtime,
                              "#!/bin/sh\ncase \" $* \" in *' create '*) /usr/bin/python3 " +
                                  script + " || exit 1;; esac\nexec runc \"$@\"\n",
                              0755)
            .ok());
    return runtime;
  }

  static sandbox::SandboxResult RunUnder(const std::string& runtime) {
    sandbox::EmbeddedOptions broken = options();
    broken.classes.rows[0].binary = runtime;
    // A runtime that forgets no_new_privs loads the filter before it sets the groups, and a watched
    // filter refuses that: another end than the one that is asked for here.
    broken.watch = {.network = false, .filesystem = false};
    const auto runner = sandbox::CreateEmbeddedRunner(broken);
    EXPECT_TRUE(runner.ok()) << runner.status();
    auto result = (*runner)->Run({.plugin = Plugin("sleeper"), .payload = R"({"seconds":20})"});
    EXPECT_TRUE(result.ok()) << result.status();
    return *std::move(result);
  }
};

class BrokenRuntime : public Readback, public ::testing::WithParamInterface<Broken> {};

TEST_P(BrokenRuntime, TheMissingControlIsNamedAndNothingRuns) {
  if (ClassUnderTest() != oci::RuntimeClass::kRunc) GTEST_SKIP() << "a wrapper of runc";
  const sandbox::SandboxResult result = RunUnder(Wrapper(GetParam().name, GetParam().edit));
  EXPECT_EQ(result.termination.cause, Cause::kSandboxUnavailable) << Describe(result);
  EXPECT_NE(result.termination.message.find("control " + GetParam().control), std::string::npos)
      << result.termination.message;
  EXPECT_EQ(result.stdout_stream.bytes_total, 0u);
  std::printf("%s\n", result.termination.message.c_str());
}

INSTANTIATE_TEST_SUITE_P(Controls, BrokenRuntime, ::testing::ValuesIn(kBroken),
                         [](const auto& test) { return test.param.name; });

// The wrapper by itself changes nothing, and every control is told of.
TEST_F(Readback, AWholeSpecIsInForceControlByControl) {
  sandbox::EmbeddedOptions whole = options();
  if (ClassUnderTest() == oci::RuntimeClass::kRunc)
    whole.classes.rows[0].binary = Wrapper("whole", "pass");
  const auto runner = sandbox::CreateEmbeddedRunner(whole);
  const auto result = (*runner)->Run({.plugin = Plugin("echo"), .payload = "7"});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "7") << Describe(*result);
  std::set<std::string> in_force;
  for (const sandbox::ControlReport& control : result->controls) {
    std::printf("%-18s %s\n", control.name.c_str(), control.readback.c_str());
    if (control.requested == control.effective) in_force.insert(control.name);
  }
  EXPECT_THAT(in_force, ::testing::IsSupersetOf({"namespaces", "uid map", "gid map", "network",
                                                 "no_new_privileges", "capabilities", "uid", "gid",
                                                 "groups", "mount flags", "mount sources", "mounts",
                                                 "masked paths", "read-only paths", "rlimits",
                                                 "oom_score_adj", "devices", "seccomp"}));
}

// A program that is over before the shim has looked: crun loads the filter last of all, so what
// init found of itself is what is known.
TEST_F(Readback, SeccompOfAProgramThatEndsAtOnceIsToldByInit) {
  if (ClassUnderTest() == oci::RuntimeClass::kGvisor) GTEST_SKIP() << "no filter from outside";
  char dir[] = "/tmp/vortex-brief-XXXXXX";
  ASSERT_NE(::mkdtemp(dir), nullptr);
  const std::string bundle = dir;
  std::filesystem::permissions(bundle, std::filesystem::perms(0755));
  std::filesystem::copy_file(VORTEX_TEST_PAYLOAD, bundle + "/brief");
  ASSERT_TRUE(base::WriteFileAtomic(
                  bundle + "/vortex-plugin.yaml",
                  "id: brief\nversion: 1.0.0\ncommand: [/plugin/brief, exit, \"3\"]\n", 0644)
                  .ok());
  int told = 0;
  int runs = 0;
  for (; runs < 30 && told == 0; ++runs) {
    const auto ran = runner().Run({.plugin = bundle, .payload = "7"});
    ASSERT_TRUE(ran.ok()) << ran.status();
    const sandbox::SandboxResult& result = *ran;
    EXPECT_EQ(result.termination.exit_code, 3) << Describe(result);
    const auto seccomp = std::find_if(result.controls.begin(), result.controls.end(),
                                      [](const auto& one) { return one.name == "seccomp"; });
    ASSERT_NE(seccomp, result.controls.end()) << Describe(result);
    EXPECT_EQ(seccomp->effective, 1) << seccomp->readback;
    told += seccomp->readback == "Seccomp: 2, told by init" ? 1 : 0;
    if (ClassUnderTest() == oci::RuntimeClass::kRunc) {
      // runc has loaded it by the end of Create.
      EXPECT_EQ(seccomp->readback, "Seccomp: 2");
      break;
    }
    EXPECT_EQ(seccomp->readback.substr(0, 10), "Seccomp: 2");
  }
  std::printf("told by init in %d of %d runs\n", told, runs);
  if (ClassUnderTest() != oci::RuntimeClass::kRunc) {
    EXPECT_EQ(told, 1);
  }
  base::RemoveTree(bundle).IgnoreError();
}

}  // namespace
}  // namespace vortex::testing
