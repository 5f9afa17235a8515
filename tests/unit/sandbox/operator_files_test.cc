// SPDX-License-Identifier: Apache-2.0
#include "sandbox/operator_files.h"

#include <gmock/gmock.h>

#include "base/files.h"
#include "base/status.h"

namespace vortex::sandbox {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class OperatorFilesTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& text) {
    const std::string path = ::testing::TempDir() + "operator_files_test.yaml";
    EXPECT_TRUE(base::WriteFileAtomic(path, text, 0600).ok());
    return path;
  }
};

TEST_F(OperatorFilesTest, AFileThatIsNamedMustBeThere) {
  const auto policy = LoadPolicy("/nonexistent/policy.yaml");
  EXPECT_EQ(GetErrno(policy.status()), ENOENT);
  EXPECT_THAT(Message(policy.status()),
              AllOf(HasSubstr("policy: "), HasSubstr("/nonexistent/policy.yaml")));
  EXPECT_THAT(Message(LoadClasses("/nonexistent/c.yaml").status()), HasSubstr("class table: "));
}

TEST_F(OperatorFilesTest, TheFileIsRead) {
  const auto policy =
      LoadPolicy(Write("version: 1\nallow_untrusted: true\n"
                       "untrusted: {runtime_classes: [gvisor]}\n"));
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_TRUE(policy->allow_untrusted);
  const auto classes = LoadClasses(Write("version: 1\ndefault: gvisor\n"));
  ASSERT_TRUE(classes.ok()) << classes.status();
  EXPECT_EQ(classes->default_class, oci::RuntimeClass::kGvisor);
}

TEST_F(OperatorFilesTest, WhatIsWrongHasItsLine) {
  const std::string file = Write("version: 1\nalow_untrusted: true\n");
  EXPECT_THAT(Message(LoadPolicy(file).status()), HasSubstr(file + ":2"));
}

TEST_F(OperatorFilesTest, TooLargeIsRefused) {
  const std::string file = Write(std::string(policy::kMaxPolicyBytes + 1, '#'));
  EXPECT_THAT(Message(LoadPolicy(file).status()), HasSubstr("larger than the limit"));
}

}  // namespace
}  // namespace vortex::sandbox
