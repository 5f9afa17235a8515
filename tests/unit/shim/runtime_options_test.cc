// SPDX-License-Identifier: Apache-2.0
#include "shim/runtime_options.h"

#include <gtest/gtest.h>

#include "containerd/runc/v1/options.pb.h"
#include "containerd/runtimeoptions/v1/api.pb.h"
#include "shim/bootstrap_input.h"

namespace vortex::shim {
namespace {

TEST(DecodeOptionsTest, RuncOptionsUnderAnyUrlPrefix) {
  containerd::runc::v1::Options message;
  message.set_binary_name("crun");
  message.set_root("/run/x");
  message.set_io_uid(1000);
  message.set_systemd_cgroup(true);
  for (const char* url :
       {"containerd.runc.v1.Options", "types.containerd.io/containerd.runc.v1.Options"}) {
    RuntimeOptions options;
    ASSERT_TRUE(DecodeOptions(url, message.SerializeAsString(), &options).ok());
    EXPECT_EQ(options.binary_name, "crun");
    EXPECT_EQ(options.io_uid, 1000U);
    EXPECT_TRUE(options.systemd_cgroup);
  }
}

TEST(DecodeOptionsTest, TheBodyOfNewerRuntimeOptionsIsToml) {
  runtimeoptions::v1::Options message;
  message.set_type_url("t");
  std::string bytes = message.SerializeAsString();
  const std::string toml =
      "BinaryName = \"/usr/bin/runsc\" # gVisor\nSystemdCgroup = true\n[runsc_config]\nplatform = "
      "\"ptrace\"\n";
  bytes += '\x1a';
  bytes += static_cast<char>(toml.size());
  bytes += toml;
  RuntimeOptions options;
  const Status status = DecodeOptions("runtimeoptions.v1.Options", bytes, &options);
  ASSERT_TRUE(status.ok()) << status.message;
  EXPECT_EQ(options.binary_name, "/usr/bin/runsc");
  EXPECT_TRUE(options.systemd_cgroup);
  EXPECT_EQ(options.shim_cgroup, "");  // field 3 of the other message
  EXPECT_EQ(options.runtime_flags, (std::vector<std::string>{"--platform=ptrace"}));
}

TEST(DecodeOptionsTest, RefusesWhatItDoesNotKnow) {
  RuntimeOptions options;
  EXPECT_EQ(DecodeOptions("some.other.Options", "", &options).code, Code::kInvalidArgument);
  EXPECT_EQ(DecodeOptions("containerd.runc.v1.Options", "\xff\xff", &options).code,
            Code::kInvalidArgument);
  EXPECT_TRUE(DecodeOptions("", "", &options).ok());
}

TEST(TomlTest, ErrorsNameTheLine) {
  RuntimeOptions options;
  for (const char* text :
       {"\nbinary_name = \"x", "\nbinary_name", "\n[table", "\nflags = [\"a\"", "\nx = {a = 1}"}) {
    const Status status = ParseToml(text, &options);
    EXPECT_FALSE(status.ok()) << text;
    EXPECT_NE(status.message.find("line 2"), std::string::npos) << status.message;
  }
}

TEST(TomlTest, StringsOfBothKindsAndArrays) {
  RuntimeOptions options;
  ASSERT_TRUE(ParseToml("root = '/a\\b' # c\nbinary_name = \"a\\\"#b\"\n[vortex]\nruntime_flags = "
                        "[\"--x\", '--y']\nIoUid = 7",
                        &options)
                  .ok());
  EXPECT_EQ(options.root, "/a\\b");
  EXPECT_EQ(options.binary_name, "a\"#b");
  EXPECT_EQ(options.runtime_flags, (std::vector<std::string>{"--x", "--y"}));
  EXPECT_EQ(options.io_uid, 7U);
}

TEST(RuntimeOptionsTest, TheSavedFormBringsBackWhatDeleteNeeds) {
  RuntimeOptions options;
  options.binary_name = "/a/\"b\"";
  options.root = "/r";
  options.systemd_cgroup = true;
  options.driver = "runsc";
  const RuntimeOptions back = RuntimeOptions::FromJson(options.ToJson());
  EXPECT_EQ(back.binary_name, options.binary_name);
  EXPECT_EQ(back.root, "/r");
  EXPECT_TRUE(back.systemd_cgroup);
  EXPECT_EQ(back.driver, "runsc");
  EXPECT_EQ(RuntimeOptions().ToJson(), "{}");
  EXPECT_EQ(RuntimeOptions::FromJson("{\"root\":").root, "");
}

std::string Field(int number, const std::string& value) {
  std::string out(1, static_cast<char>(number << 3 | 2));
  out += static_cast<char>(value.size());
  return out + value;
}

TEST(BootstrapInputTest, AnAnyOfOptions) {
  const BootstrapInput input =
      ParseBootstrapInput(Field(1, "containerd.runc.v1.Options") + Field(2, "abc"), "c1", "ns");
  EXPECT_FALSE(input.params);
  EXPECT_EQ(input.options_type, "containerd.runc.v1.Options");
  EXPECT_EQ(input.options_value, "abc");
}

TEST(BootstrapInputTest, BootstrapParamsOnlyWithOurOwnIdAndNamespace) {
  const std::string options = Field(1, "containerd.runc.v1.Options") + Field(2, "abc");
  // log_level DEBUG is a negative enum: ten bytes.
  const std::string params = Field(1, "c1") + Field(2, "ns") +
                             "\x18\xfc\xff\xff\xff\xff\xff\xff\xff\xff\x01" + Field(5, "/ttrpc") +
                             Field(8, Field(1, options)) + Field(9, "/run/s");
  const BootstrapInput input = ParseBootstrapInput(params, "c1", "ns");
  EXPECT_TRUE(input.params);
  EXPECT_EQ(input.ttrpc_address, "/ttrpc");
  EXPECT_EQ(input.socket_dir, "/run/s");
  EXPECT_EQ(input.options_type, "containerd.runc.v1.Options");
  EXPECT_EQ(input.options_value, "abc");
  EXPECT_FALSE(ParseBootstrapInput(params, "c2", "ns").params);
}

TEST(BootstrapInputTest, OtherBytesAreNothing) {
  EXPECT_EQ(ParseBootstrapInput("", "c1", "ns").options_type, "");
  EXPECT_EQ(ParseBootstrapInput("hello\n", "c1", "ns").options_type, "");
  EXPECT_EQ(ParseBootstrapInput("\x0a\xff\xff\xff\xff\x7f", "c1", "ns").options_type, "");
}

}  // namespace
}  // namespace vortex::shim
