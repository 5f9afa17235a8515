// SPDX-License-Identifier: Apache-2.0
#include "sandbox/cdi_registry.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/files.h"
#include "sandbox/elf_soname.h"
#include "support/status_matchers.h"

namespace vortex::sandbox {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using vortex::testing::StatusIs;

class CdiRegistryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/cdi-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    low_ = dir_ + "/low";
    high_ = dir_ + "/high";
    ASSERT_TRUE(base::MakeDirs(low_, 0755).ok() && base::MakeDirs(high_, 0755).ok());
  }
  void TearDown() override { base::RemoveTree(dir_).IgnoreError(); }

  static void Write(const std::string& path, const std::string& text) {
    ASSERT_TRUE(base::WriteFileAtomic(path, text, 0644).ok());
  }
  // One device whose one node is `node`.
  static std::string Spec(const std::string& device, const std::string& node,
                          const std::string& common = "{}") {
    return "cdiVersion: 0.6.0\nkind: vendor.test/gpu\ncontainerEdits: " + common +
           "\ndevices: [{name: " + device + ", containerEdits: {deviceNodes: [{path: " + node +
           "}]}}]\n";
  }
  CdiRegistry Read() { return CdiRegistry::Read({low_, high_, dir_ + "/none"}); }
  static std::string NodeOf(const CdiRegistry& registry, const std::string& name) {
    const auto edits = registry.Resolve({"vendor.test/gpu=" + name});
    return edits.ok() ? edits->device_nodes.at(0).path : std::string(Message(edits.status()));
  }

  std::string dir_, low_, high_;
};

TEST_F(CdiRegistryTest, TheHigherDirectoryWins) {
  Write(low_ + "/a.yaml", Spec("x", "/dev/null"));
  Write(low_ + "/b.yaml", Spec("y", "/dev/zero"));
  Write(high_ + "/c.json",
        R"({"cdiVersion": "0.6.0", "kind": "vendor.test/gpu", "devices": [{"name": "x",)"
        R"( "containerEdits": {"deviceNodes": [{"path": "/dev/full"}]}}]})");
  const CdiRegistry registry = Read();
  EXPECT_THAT(registry.problems(), IsEmpty());
  EXPECT_EQ(NodeOf(registry, "x"), "/dev/full");
  EXPECT_EQ(NodeOf(registry, "y"), "/dev/zero");
}

TEST_F(CdiRegistryTest, TwoOfOneDirectoryAreBothDropped) {
  Write(low_ + "/a.yaml", Spec("x", "/dev/null"));
  Write(high_ + "/a.yaml", Spec("x", "/dev/zero"));
  Write(high_ + "/b.yaml", Spec("x", "/dev/full"));
  Write(high_ + "/c.yaml", Spec("y", "/dev/full"));
  const CdiRegistry registry = Read();
  EXPECT_THAT(registry.problems(),
              ElementsAre(HasSubstr("/high/b.yaml:4: vendor.test/gpu=x is also defined at ")));
  EXPECT_THAT(NodeOf(registry, "x"), HasSubstr("this node has no such CDI device"));
  EXPECT_EQ(NodeOf(registry, "y"), "/dev/full");
}

TEST_F(CdiRegistryTest, AFileThatIsWrongSpoilsNoOther) {
  Write(low_ + "/a.yaml", "cdiVersion: 0.6.0\nkind: 5\ndevices: []\n");
  Write(low_ + "/b.yaml", Spec("y", "/dev/zero"));
  Write(low_ + "/c.txt", "not looked at");
  const CdiRegistry registry = Read();
  EXPECT_THAT(registry.problems(), ElementsAre(HasSubstr("/low/a.yaml:2:7: kind: ")));
  EXPECT_EQ(NodeOf(registry, "y"), "/dev/zero");
  // Whoever asks for what is missing is told of the file.
  EXPECT_THAT(NodeOf(registry, "x"),
              AllOf(HasSubstr("it has vendor.test/gpu=y"), HasSubstr("could not be used"),
                    HasSubstr("a.yaml:2:7")));
}

TEST_F(CdiRegistryTest, NoLinksNoPipesNoStrangersFiles) {
  Write(dir_ + "/outside.yaml", Spec("x", "/dev/null"));
  ASSERT_EQ(::symlink((dir_ + "/outside.yaml").c_str(), (low_ + "/a.yaml").c_str()), 0);
  ASSERT_EQ(::mkfifo((low_ + "/b.yaml").c_str(), 0644), 0);
  ASSERT_EQ(::mkdir((low_ + "/c.yaml").c_str(), 0755), 0);
  Write(low_ + "/d.yaml", Spec("x", "/dev/null"));
  ASSERT_EQ(::chmod((low_ + "/d.yaml").c_str(), 0666), 0);
  Write(low_ + "/e.yaml", std::string(kMaxCdiBytes + 1, '#'));
  const CdiRegistry registry = Read();
  EXPECT_THAT(registry.devices(), IsEmpty());
  EXPECT_THAT(registry.problems(),
              ElementsAre(HasSubstr("a.yaml: is a symbolic link"),
                          HasSubstr("b.yaml: is not a reg"), HasSubstr("c.yaml: is not a reg"),
                          HasSubstr("d.yaml: others than root may write it"), HasSubstr("e.yaml")));
}

TEST_F(CdiRegistryTest, ADirectoryThatOthersMayWriteIsNotRead) {
  Write(high_ + "/a.yaml", Spec("x", "/dev/null"));
  ASSERT_EQ(::chmod(high_.c_str(), 0777), 0);
  const CdiRegistry registry = Read();
  EXPECT_THAT(registry.devices(), IsEmpty());
  EXPECT_THAT(registry.problems(), ElementsAre(HasSubstr("/high: others than root may write it")));
}

TEST_F(CdiRegistryTest, TooManyFilesAreNotRead) {
  for (int i = 0; i < 65; ++i)
    Write(low_ + "/f" + std::to_string(i) + ".yaml", Spec("x" + std::to_string(i), "/dev/null"));
  const CdiRegistry registry = Read();
  EXPECT_THAT(registry.devices(), IsEmpty());
  EXPECT_THAT(registry.problems(), ElementsAre(HasSubstr("65 CDI files; at most 64")));
}

TEST_F(CdiRegistryTest, CommonEditsComeOnceAndFirst) {
  Write(
      low_ + "/a.yaml",
      "cdiVersion: 0.6.0\nkind: vendor.test/gpu\ncontainerEdits: {env: [COMMON=1]}\ndevices:\n"
      "- {name: x, containerEdits: {env: [OWN=x]}}\n- {name: y, containerEdits: {env: [OWN=y]}}\n");
  VX_ASSERT_OK_AND_ASSIGN(const oci::CdiEdits edits,
                          Read().Resolve({"vendor.test/gpu=y", "vendor.test/gpu=x"}));
  std::vector<std::string> env;
  for (const oci::CdiEnv& item : edits.env) env.push_back(item.entry);
  EXPECT_THAT(env, ElementsAre("COMMON=1", "OWN=y", "OWN=x"));
}

TEST_F(CdiRegistryTest, TheHostIsLookedAt) {
  Write(low_ + "/a.yaml", Spec("x", "/dev/full"));
  Write(low_ + "/b.yaml", Spec("y", "/dev/no-such-node"));
  Write(low_ + "/c.yaml", Spec("z", "/dev/stdin"));
  const CdiRegistry registry = Read();
  VX_ASSERT_OK_AND_ASSIGN(const oci::CdiEdits full, registry.Resolve({"vendor.test/gpu=x"}));
  const oci::HostFile& node = full.device_nodes[0].host;
  EXPECT_EQ(node.kind, 'c');
  EXPECT_EQ(node.major, 1);
  EXPECT_EQ(node.minor, 7);
  EXPECT_EQ(node.path, "/dev/full");
  VX_ASSERT_OK_AND_ASSIGN(const oci::CdiEdits gone, registry.Resolve({"vendor.test/gpu=y"}));
  EXPECT_THAT(gone.device_nodes[0].host.problem, HasSubstr("/dev/no-such-node"));
  VX_ASSERT_OK_AND_ASSIGN(const oci::CdiEdits link, registry.Resolve({"vendor.test/gpu=z"}));
  EXPECT_EQ(link.device_nodes[0].host.kind, 'l');
}

TEST_F(CdiRegistryTest, ANodeWithoutDevicesSaysHowToGetThem) {
  EXPECT_THAT(CdiRegistry::Read({low_}).Resolve({"nvidia.com/gpu=0"}).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("nvidia.com/gpu=0: this node has no such CDI device"),
                             HasSubstr("no CDI file in " + low_), HasSubstr("nvidia-ctk"))));
}

TEST(ElfSonameTest, OfTheCLibraryAndOfOtherFiles) {
  std::size_t found = 0;
  for (const char* path : {"/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6"}) {
    const auto fd = base::OpenFile(path, O_RDONLY);
    if (!fd.ok()) continue;
    ++found;
    EXPECT_EQ(ElfSoname(fd->get()), "libc.so.6");
  }
  EXPECT_GT(found, 0u);
  for (const char* path : {"/etc/passwd", "/dev/null", "/proc/self/exe", "/"}) {
    const auto fd = base::OpenFile(path, O_RDONLY);
    ASSERT_TRUE(fd.ok());
    EXPECT_EQ(ElfSoname(fd->get()), "") << path;
  }
}

// Any byte of a library changed: never more than a wrong name.
TEST(ElfSonameTest, DamagedLibraries) {
  const auto fd = base::OpenFile("/lib64/ld-linux-x86-64.so.2", O_RDONLY);
  if (!fd.ok()) GTEST_SKIP() << "not an x86-64 machine";
  const auto bytes = base::ReadFd(fd->get(), 4 << 20, "ld.so");
  ASSERT_TRUE(bytes.ok());
  const int copy = ::memfd_create("elf", MFD_CLOEXEC);
  ASSERT_EQ(::write(copy, bytes->data(), bytes->size()), static_cast<ssize_t>(bytes->size()));
  EXPECT_EQ(ElfSoname(copy), "ld-linux-x86-64.so.2");
  for (off_t at = 0; at < 1024; ++at) {
    const char bad = '\xff', good = (*bytes)[static_cast<std::size_t>(at)];
    ASSERT_EQ(::pwrite(copy, &bad, 1, at), 1);
    (void)ElfSoname(copy);
    ASSERT_EQ(::pwrite(copy, &good, 1, at), 1);
  }
  ::close(copy);
}

}  // namespace
}  // namespace vortex::sandbox
