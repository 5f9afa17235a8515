// SPDX-License-Identifier: Apache-2.0
#include "policy/manifest.h"

#include <gmock/gmock.h>

#include "support/status_matchers.h"

namespace vortex::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using vortex::testing::IsOk;
using vortex::testing::StatusIs;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

constexpr char kHead[] = "id: word-count\nversion: 1.0.0\n";
constexpr char kMinimal[] = "id: word-count\nversion: 1.0.0\nentrypoint: word_count:run\n";

std::string ErrorOf(const std::string& yaml) {
  const auto manifest = ParseManifest(yaml);
  EXPECT_EQ(manifest.status().code(), kInvalid) << yaml;
  return std::string(Message(manifest.status()));
}

// The error for one more line after a good manifest; the line is number 4.
std::string ErrorOfLine(const std::string& line) { return ErrorOf(kMinimal + line + "\n"); }

TEST(ManifestTest, TheLeast) {
  VX_ASSERT_OK_AND_ASSIGN(const Manifest manifest, ParseManifest(kMinimal));
  EXPECT_EQ(manifest.id, "word-count");
  EXPECT_EQ(manifest.version, "1.0.0");
  ASSERT_TRUE(manifest.entrypoint);
  EXPECT_EQ(manifest.entrypoint->module, "word_count");
  EXPECT_EQ(manifest.entrypoint->function, "run");
  EXPECT_TRUE(manifest.command.empty());
  EXPECT_FALSE(manifest.limits.memory_bytes);
}

TEST(ManifestTest, EveryField) {
  VX_ASSERT_OK_AND_ASSIGN(const Manifest manifest, ParseManifest(R"(# a comment
id: word-count
version: 1.0.0-rc.1+build.7
description: Counts the words of a text — in any script.
command: ["/plugin/bin/hello", --fast, '-n', "5", ""]
limits: {memory: 64m, cpus: 0.5, pids: 16, budget: 2s, tmp: 16MiB, output: 1048576}
network:
  allow:
    - host: api.example.com
      port: 443
    - {host: "*.example.org", port: 8443}
capabilities: [CAP_NET_BIND_SERVICE]
gpus: [nvidia.com/gpu=0, "vendor.com/class=name:1"]
)"));
  EXPECT_EQ(manifest.version, "1.0.0-rc.1+build.7");
  EXPECT_EQ(manifest.description, "Counts the words of a text — in any script.");
  EXPECT_FALSE(manifest.entrypoint);
  EXPECT_THAT(manifest.command, ElementsAre("/plugin/bin/hello", "--fast", "-n", "5", ""));
  EXPECT_EQ(manifest.limits.memory_bytes, 64 << 20);
  EXPECT_EQ(manifest.limits.millicpus, 500);
  EXPECT_EQ(manifest.limits.pids, 16);
  EXPECT_EQ(manifest.limits.budget, std::chrono::seconds(2));
  EXPECT_EQ(manifest.limits.tmp_bytes, 16 << 20);
  EXPECT_EQ(manifest.limits.output_bytes, 1 << 20);
  ASSERT_EQ(manifest.network.size(), 2u);
  EXPECT_EQ(manifest.network[0].host, "api.example.com");
  EXPECT_EQ(manifest.network[0].port, 443);
  EXPECT_EQ(manifest.network[1].host, "*.example.org");
  EXPECT_THAT(manifest.capabilities, ElementsAre("CAP_NET_BIND_SERVICE"));
  EXPECT_THAT(manifest.gpus, ElementsAre("nvidia.com/gpu=0", "vendor.com/class=name:1"));
}

TEST(ManifestTest, AnErrorNamesFileLineColumnFieldValueAndWhatWouldBeRight) {
  EXPECT_EQ(
      ErrorOfLine("limits: {memory: 64q}"),
      "vortex-plugin.yaml:4:18: limits.memory: \"64q\" is not a size; write a whole number with "
      "b, k, m or g, for example 64m");
  EXPECT_EQ(
      ErrorOfLine("limits:\n  budget: soon"),
      "vortex-plugin.yaml:5:11: limits.budget: \"soon\" is not a duration; write a number with "
      "ms, s, m or h, for example 2s");
  EXPECT_THAT(ParseManifest("id: X", "/srv/p/vortex-plugin.yaml"),
              StatusIs(kInvalid, HasSubstr("/srv/p/vortex-plugin.yaml:1:5: id: \"X\"")));
}

TEST(ManifestTest, UnknownKeysSuggestTheNearestOne) {
  EXPECT_EQ(ErrorOfLine("limit: {}"),
            "vortex-plugin.yaml:4:1: unknown key \"limit\"; did you mean limits?");
  EXPECT_EQ(ErrorOfLine("limits: {memroy: 64m}"),
            "vortex-plugin.yaml:4:10: limits: unknown key \"memroy\"; did you mean memory?");
  EXPECT_EQ(ErrorOfLine("network: {allow: [{hots: a.example.com, port: 1}]}"),
            "vortex-plugin.yaml:4:20: network.allow[0]: unknown key \"hots\"; did you mean host?");
  EXPECT_THAT(ErrorOfLine("privileged: true"),
              HasSubstr("unknown key \"privileged\"; known keys are id, version, description"));
}

TEST(ManifestTest, DuplicateKeys) {
  EXPECT_EQ(ErrorOfLine("id: other"), "vortex-plugin.yaml:4:1: key \"id\" stands twice");
  EXPECT_EQ(ErrorOfLine("limits: {pids: 8, pids: 9}"),
            "vortex-plugin.yaml:4:19: limits: key \"pids\" stands twice");
  // The same key once quoted is the same key.
  EXPECT_THAT(ErrorOfLine("\"id\": other"), HasSubstr("stands twice"));
}

TEST(ManifestTest, MissingFields) {
  EXPECT_THAT(ErrorOf("version: 1.0.0\nentrypoint: a:b\n"), HasSubstr("id is missing"));
  EXPECT_THAT(ErrorOf("id: a\nentrypoint: a:b\n"), HasSubstr("version is missing"));
  EXPECT_THAT(ErrorOf(kHead),
              HasSubstr("needs exactly one of entrypoint (module:function) and command"));
  EXPECT_THAT(ErrorOfLine("command: [/bin/x]"), HasSubstr("needs exactly one of entrypoint"));
}

TEST(ManifestTest, WrongTypes) {
  EXPECT_THAT(ErrorOf("- a\n"), HasSubstr("must be a mapping of keys to values"));
  EXPECT_THAT(ErrorOf("just text\n"), HasSubstr("must be a mapping"));
  EXPECT_THAT(ErrorOf("id: [a]\n"), HasSubstr(":1:5: id: must be a single value"));
  EXPECT_THAT(ErrorOf("id:\n"), HasSubstr("id: has no value"));
  EXPECT_THAT(ErrorOf("id: ~\n"), HasSubstr("id: has no value"));
  EXPECT_THAT(ErrorOfLine("limits: 64m"), HasSubstr("limits: must be a mapping"));
  EXPECT_THAT(ErrorOfLine("limits: {memory: [64m]}"),
              HasSubstr("limits.memory: must be a single value"));
  EXPECT_THAT(ErrorOfLine("capabilities: CAP_CHOWN"), HasSubstr("capabilities: must be a list"));
  EXPECT_THAT(ErrorOfLine("network: {allow: {host: a.b, port: 1}}"),
              HasSubstr("network.allow: must be a list"));
  EXPECT_THAT(ErrorOfLine("network: [a.example.com]"), HasSubstr("network: must be a mapping"));
  EXPECT_THAT(ErrorOf("id: a\n[x]: 1\n"), HasSubstr("must be a single value"));
}

// The unquoted words and numbers that YAML readers disagree on.
TEST(ManifestTest, TextIsOnlyTakenFromText) {
  EXPECT_THAT(ErrorOf("id: no\n"),
              HasSubstr("id: no without quotes is not text to every reader of YAML; write \"no\""));
  EXPECT_THAT(ErrorOf("id: 123\n"), HasSubstr("write \"123\""));
  EXPECT_THAT(ErrorOf("id: 1e3\n"), HasSubstr("write \"1e3\""));
  EXPECT_THAT(ErrorOfLine("description: yes"), HasSubstr("write \"yes\""));
  EXPECT_THAT(ErrorOf(std::string(kHead) + "command: [/bin/x, 5]\n"),
              HasSubstr(":3:19: command[1]: 5 without quotes"));
  EXPECT_THAT(ParseManifest("id: \"123\"\nversion: \"1.0.0\"\nentrypoint: 'a:b'\n"), IsOk());
  // And numbers not from text.
  EXPECT_THAT(ErrorOfLine("limits: {pids: \"16\"}"),
              HasSubstr("limits.pids: \"16\" is text; write the number without quotes"));
  EXPECT_THAT(ErrorOfLine("limits: {cpus: '0.5'}"), HasSubstr("limits.cpus: \"0.5\" is text"));
  EXPECT_THAT(ErrorOfLine("limits: {pids: 010}"), HasSubstr("\"010\" is not a whole number"));
}

TEST(ManifestTest, Ids) {
  for (const char* good : {"a", "a1", "a-b", "0-x", "a--b"}) {
    EXPECT_THAT(ParseManifest("id: " + std::string(good) + "\nversion: 1.0.0\nentrypoint: a:b\n"),
                IsOk());
  }
  EXPECT_THAT(ParseManifest("id: " + std::string(63, 'a') + "\nversion: 1.0.0\nentrypoint: a:b\n"),
              IsOk());
  const std::string too_long(64, 'a');
  for (const std::string bad :
       {"A", "-a", "a-", "a_b", "a.b", "a/b", "../a", "ä", too_long.c_str()}) {
    EXPECT_THAT(ErrorOf("id: " + bad + "\n"),
                HasSubstr("is not an id; use 1 to 63 characters of a-z"))
        << bad;
  }
  EXPECT_THAT(ErrorOf("id: \"\"\n"), HasSubstr("\"\" is not an id"));
}

TEST(ManifestTest, Versions) {
  for (const char* good : {"0.0.0", "10.20.30", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-0.3.7",
                           "1.0.0+001", "1.0.0-x-y-z.--", "1.0.0-beta+exp.sha.5114f85"}) {
    EXPECT_THAT(ParseManifest("id: a\nversion: " + std::string(good) + "\nentrypoint: a:b\n"),
                IsOk())
        << good;
  }
  for (const char* bad : {"1.0", "1", "v1.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0-a..b",
                          "1.0.0+", "1.0.0.0", "1.0.0 beta", "latest"}) {
    EXPECT_THAT(ErrorOf("id: a\nversion: " + std::string(bad) + "\n"),
                HasSubstr("is not a semantic version; write three numbers, for example 1.0.0"))
        << bad;
  }
}

TEST(ManifestTest, Descriptions) {
  EXPECT_THAT(ParseManifest(kMinimal + ("description: " + std::string(200, 'x'))), IsOk());
  EXPECT_THAT(ErrorOfLine("description: " + std::string(201, 'x')),
              HasSubstr("is 201 bytes long; write one line of at most 200 bytes"));
  EXPECT_THAT(ErrorOfLine("description: |\n  two\n  lines"), HasSubstr("is more than one line"));
}

TEST(ManifestTest, Entrypoints) {
  for (const char* bad : {"run", "a:", ":b", "a:b:c", "a/b:run", "../a:run", "/a:run", "a..b:run",
                          ".a:run", "a.py:run()", "1a:run", "a b:run"}) {
    EXPECT_THAT(ErrorOf(std::string(kHead) + "entrypoint: \"" + bad + "\"\n"),
                HasSubstr("is not module:function; write for example word_count:run"))
        << bad;
  }
  VX_ASSERT_OK_AND_ASSIGN(
      const Manifest manifest,
      ParseManifest(std::string(kHead) + "entrypoint: package.sub_1._m:__call__\n"));
  EXPECT_EQ(manifest.entrypoint->module, "package.sub_1._m");
}

TEST(ManifestTest, Commands) {
  for (const char* bad : {"bin/hello", "./hello", "hello", "/plugin/../bin/sh", "/plugin/./x",
                          "//bin/x", "/plugin/bin/", "/", "/..", "/plugin/.."}) {
    EXPECT_THAT(ErrorOf(std::string(kHead) + "command: [" + bad + "]\n"),
                HasSubstr("is not an absolute path without \".\" and \"..\""))
        << bad;
  }
  EXPECT_THAT(ErrorOf(std::string(kHead) + "command: []\n"), HasSubstr("command: is empty"));
  EXPECT_THAT(ErrorOf(std::string(kHead) + "command: [/bin/x, " + std::string(4097, 'x') + "]\n"),
              HasSubstr("command[1]: is 4097 bytes long; at most 4096 are allowed"));
  std::string many = "/bin/x";
  for (int i = 0; i < 64; ++i) many += ", a";
  EXPECT_THAT(ErrorOf(std::string(kHead) + "command: [" + many + "]\n"),
              HasSubstr("command: has 65 items; at most 64 are allowed"));
  // Dots within a name are a name.
  EXPECT_THAT(ParseManifest(std::string(kHead) + "command: [/plugin/..bin/a..b]\n"), IsOk());
}

TEST(ManifestTest, Network) {
  const auto rule = [](const std::string& text) {
    return ErrorOfLine("network: {allow: [" + text + "]}");
  };
  for (const char* host :
       {"localhost", "10.0.0.1", "API.example.com", "a_b.example.com", "-a.example.com",
        "*.*.example.com", "*", "example.com.", "http://example.com", "[::1]", "a..example.com"}) {
    EXPECT_THAT(rule("{host: \"" + std::string(host) + "\", port: 443}"),
                HasSubstr("network.allow[0].host: "))
        << host;
  }
  EXPECT_THAT(rule("{host: " + std::string(64, 'a') + ".example.com, port: 1}"),
              HasSubstr("is not a host name"));
  for (const char* port : {"0", "65536", "-1", "https", "443.0", "0x1bb"}) {
    EXPECT_THAT(rule("{host: a.example.com, port: " + std::string(port) + "}"),
                HasSubstr("is not a port; write a number from 1 to 65535"))
        << port;
  }
  EXPECT_THAT(rule("{host: a.example.com}"),
              HasSubstr("network.allow[0]: needs both host and port"));
  EXPECT_THAT(rule("{port: 443}"), HasSubstr("needs both host and port"));
}

TEST(ManifestTest, CapabilitiesAndGpus) {
  for (const char* bad : {"NET_ADMIN", "cap_chown", "CAP_ALL", "ALL"}) {
    EXPECT_THAT(
        ErrorOfLine("capabilities: [" + std::string(bad) + "]"),
        HasSubstr("capabilities[0]: \"" + std::string(bad) + "\" is not a Linux capability"));
  }
  for (const char* bad :
       {"gpu0", "nvidia.com/gpu", "/gpu=0", "nvidia.com/gpu=", "/dev/nvidia0", "a/b/c=0"}) {
    EXPECT_THAT(ErrorOfLine("gpus: [" + std::string(bad) + "]"),
                HasSubstr("is not a CDI device; write vendor/class=device"))
        << bad;
  }
}

TEST(ManifestTest, YamlTricks) {
  EXPECT_THAT(ErrorOfLine("description: &x text"),
              HasSubstr("4:14: anchors and aliases are not allowed"));
  EXPECT_THAT(ErrorOf("id: &a b\nversion: *a\n"), HasSubstr("anchors and aliases are not allowed"));
  EXPECT_THAT(ErrorOf("id: *nothing\n"), HasSubstr("vortex-plugin.yaml:1:5: not YAML: "));
  EXPECT_THAT(ErrorOfLine("description: !!str text"),
              HasSubstr("tags are not allowed; remove \"tag:yaml.org,2002:str\""));
  EXPECT_THAT(ErrorOfLine("description: !python/object:os.system x"),
              HasSubstr("tags are not allowed"));
  EXPECT_THAT(ErrorOfLine("!!str limits: {}"), HasSubstr("tags are not allowed"));
  EXPECT_THAT(ErrorOfLine("<<: {id: other}"), HasSubstr("unknown key \"<<\""));
  EXPECT_THAT(
      ErrorOf(std::string(kMinimal) + "---\n" + kMinimal),
      HasSubstr("vortex-plugin.yaml:4:1: goes on after its first document; write exactly one"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("vortex-plugin.yaml: is empty"));
  EXPECT_THAT(ErrorOf("# nothing\n"), HasSubstr("vortex-plugin.yaml"));
  // yaml-cpp's LoadAll never ends on these.
  EXPECT_THAT(ErrorOf(",h"), HasSubstr("goes on after its first document"));
  EXPECT_THAT(ErrorOf("]"), HasSubstr("vortex-plugin.yaml"));
  EXPECT_THAT(ErrorOf("id: [a\n"), HasSubstr("not YAML: "));
  EXPECT_THAT(ErrorOf("id: \"a\" b\n"), HasSubstr("not YAML: "));
  EXPECT_THAT(ErrorOf("\tid: a\n"), HasSubstr("vortex-plugin.yaml:"));
  // A byte order mark at the front is what some editors write.
  EXPECT_THAT(ParseManifest("\xef\xbb\xbf" + std::string(kMinimal)), IsOk());
  EXPECT_THAT(ParseManifest("id: word-count\r\nversion: 1.0.0\r\nentrypoint: a:b\r\n"), IsOk());
}

// What looks harmless in the file and becomes harmful once its escapes are read.
TEST(ManifestTest, EscapesCannotSmuggleControlCharacters) {
  EXPECT_THAT(
      ErrorOfLine("description: \"a\\e[2Jb\""),
      HasSubstr("4:14: description: \"a\\x1b[2Jb\" holds the control character U+001B; remove it"));
  EXPECT_THAT(ErrorOf(std::string(kHead) + "command: [/bin/x, \"a\\0b\"]\n"), HasSubstr("U+0000"));
  EXPECT_THAT(ErrorOfLine("\"a\\x07\": 1"), HasSubstr("U+0007"));
  EXPECT_THAT(ErrorOfLine("description: \"\\u202Egnp\""), HasSubstr("U+202E"));
  for (const std::string bad :
       {"id: \"\\x1b]0;x\\x07\"\n", "id: \"\\q\x1b\"\n", "id: \"\\xff\"\n"}) {
    for (const char c : ErrorOf(bad)) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << bad;
  }
}

TEST(ManifestTest, SizeAndDepthAreBounded) {
  EXPECT_THAT(ErrorOf(kMinimal + std::string(64 * 1024, '#')),
              HasSubstr("is more than the limit of 65536"));
  EXPECT_THAT(ErrorOf("a: " + std::string(60'000, '[')),
              HasSubstr("more than 256 opening brackets"));
  EXPECT_THAT(ErrorOf("a: " + std::string(250, '[')), HasSubstr("not YAML: "));
  std::string deep;
  for (int i = 0; i < 3000; ++i) deep += "- ";
  EXPECT_THAT(ErrorOf(deep), HasSubstr("nested deeper than 16 levels"));
  // Each line is shallow and carriage returns hide the rest from a look at line feeds.
  std::string hidden;
  for (int i = 0; i < 300; ++i) hidden += std::string(static_cast<std::size_t>(i), ' ') + "a:\r";
  EXPECT_THAT(ParseManifest(hidden), Not(IsOk()));
}

}  // namespace
}  // namespace vortex::policy
