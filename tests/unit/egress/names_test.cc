// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "egress/address.h"
#include "egress/config.h"
#include "egress/host_name.h"
#include "egress/rules.h"

namespace vortex::egress {
namespace {

TEST(HostNameTest, NormalizesCaseAndFinalDot) {
  EXPECT_EQ(NormalizeHost("API.Example.COM."), "api.example.com");
  EXPECT_EQ(NormalizeHost("localhost"), "localhost");
  EXPECT_EQ(NormalizeHost("xn--bcher-kva.example"), "xn--bcher-kva.example");
  EXPECT_EQ(NormalizeHost("1and1.example"), "1and1.example");
}

TEST(HostNameTest, RefusesWhatIsNoName) {
  for (const std::string text :
       {"",    ".",     "..", "a..b", ".a",    "-a.b", "a-.b", "a_b.c", "a b", "b\xc3\xbc.example",
        "a.1", "a.0x1", "1",  "*",    "*.a.b", "a:1",  "[a]",  "a%b",   "a/b", "a@b"}) {
    EXPECT_EQ(NormalizeHost(text), std::nullopt) << text;
  }
  EXPECT_EQ(NormalizeHost(std::string(64, 'a') + ".b"), std::nullopt);
  std::string long_name;
  for (int i = 0; i < 50; ++i) long_name += "abcd.";
  EXPECT_TRUE(NormalizeHost(long_name + "ab"));  // 252
  EXPECT_EQ(NormalizeHost(long_name + "abcd"), std::nullopt);
}

TEST(HostNameTest, SeesAddressesInEverySpelling) {
  for (const char* text : {"127.0.0.1", "127.1", "2130706433", "0x7f000001", "017700000001", "::1",
                           "[::1]", "fe80::1%eth0", "0", "a.0x1", "1.2.3.4.", "a.b.255"}) {
    EXPECT_TRUE(LooksLikeAddress(text)) << text;
  }
  for (const char* text : {"a.example", "0x7f.example", "1.2.3.4.example", "cafe", "f00d.babe"}) {
    EXPECT_FALSE(LooksLikeAddress(text)) << text;
  }
}

TEST(AuthorityTest, TakesHostAndPort) {
  const auto plain = ParseAuthority("a.example");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->port, std::nullopt);
  EXPECT_EQ(ParseAuthority("a.example:8443")->port, 8443);
  EXPECT_EQ(ParseAuthority("[::1]:80")->host, "[::1]");
  for (const char* text : {"", ":80", "a:", "a:0", "a:65536", "a:+80", "a: 80", "a:80:80", "u@a:80",
                           "a/b:80", "[::1", "[::1]80", "a?b:80", "a:8O", "a:000080"}) {
    EXPECT_FALSE(ParseAuthority(text)) << text;
  }
}

std::vector<AddressRange> Ranges(std::initializer_list<const char*> texts) {
  std::vector<AddressRange> out;
  for (const char* text : texts) out.push_back(*AddressRange::Parse(text));
  return out;
}

TEST(AddressRangeTest, Parses) {
  EXPECT_TRUE(AddressRange::Parse("10.1.0.0/16"));
  EXPECT_TRUE(AddressRange::Parse("fd00::/8"));
  EXPECT_EQ(AddressRange::Parse("10.1.2.3")->bits, 32);
  for (const char* text : {"10.1.0.0/8", "10.1.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x",
                           "10.1", "fd00::1/8", "::/129", "a/8", ""}) {
    EXPECT_FALSE(AddressRange::Parse(text)) << text;
  }
}

TEST(AddressRangeTest, ContainsByBits) {
  const AddressRange range = *AddressRange::Parse("172.16.0.0/12");
  EXPECT_TRUE(range.Contains(*Address::Parse("172.31.255.255")));
  EXPECT_FALSE(range.Contains(*Address::Parse("172.32.0.0")));
  EXPECT_FALSE(range.Contains(*Address::Parse("::ffff:172.16.0.1")));
  EXPECT_TRUE(AddressRange::Parse("::/0")->Contains(*Address::Parse("2001:db8::1")));
}

TEST(AddressTest, OrdinaryOnesAreFine) {
  for (const char* text : {"8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111",
                           "2a00:1450::1", "198.20.0.1", "223.255.255.255"}) {
    EXPECT_EQ(SpecialUse(*Address::Parse(text)), "") << text;
    EXPECT_EQ(Refusal(*Address::Parse(text), {}, {}), "") << text;
  }
}

TEST(AddressTest, SpecialOnesHaveAName) {
  EXPECT_EQ(SpecialUse(*Address::Parse("169.254.169.254")), "metadata");
  EXPECT_EQ(SpecialUse(*Address::Parse("fd00:ec2::254")), "metadata");
  EXPECT_EQ(SpecialUse(*Address::Parse("::ffff:8.8.8.8")), "IPv4-mapped");
  EXPECT_EQ(SpecialUse(*Address::Parse("64:ff9b::808:808")), "NAT64");
  EXPECT_EQ(SpecialUse(*Address::Parse("2002:808:808::")), "6to4");
  EXPECT_EQ(SpecialUse(*Address::Parse("2001::1")), "Teredo");
  EXPECT_EQ(SpecialUse(*Address::Parse("4000::1")), "not global unicast");
}

TEST(AddressTest, RangesOpen) {
  const Address inside = *Address::Parse("10.1.2.3");
  EXPECT_EQ(Refusal(inside, {}, Ranges({"10.2.0.0/16"})), "private");
  EXPECT_EQ(Refusal(inside, {}, Ranges({"10.2.0.0/16", "10.1.0.0/16"})), "");
}

TEST(AddressTest, MetadataOpensByItsOwnAddressAlone) {
  const Address metadata = *Address::Parse("169.254.169.254");
  EXPECT_EQ(Refusal(metadata, {}, Ranges({"169.254.0.0/16", "0.0.0.0/0", "169.254.169.254/31"})),
            "metadata");
  EXPECT_EQ(Refusal(metadata, {}, Ranges({"169.254.169.254/32"})), "");
}

TEST(AddressTest, ThisHostsOwn) {
  const Address own = *Address::Parse("8.8.8.8");
  EXPECT_EQ(Refusal(own, {own}, {}), "this host's");
  EXPECT_EQ(Refusal(own, {own}, Ranges({"8.8.8.8"})), "");
}

TEST(RuleSetTest, FindsHostsAndPorts) {
  const RuleSet rules = *RuleSet::Create({{"api.example.com", 443, {"10.0.0.0/8"}},
                                          {"*.example.com", 443, {"10.1.0.0/16"}},
                                          {"*.example.com", 80, {}}});
  EXPECT_TRUE(rules.Find("api.example.com", 443).port);
  EXPECT_EQ(rules.Find("api.example.com", 443).ranges.size(), 2u);
  EXPECT_EQ(rules.Find("api.example.com", 80).ranges.size(), 0u);
  EXPECT_TRUE(rules.Find("b.example.com", 22).host);
  EXPECT_FALSE(rules.Find("b.example.com", 22).port);
  EXPECT_FALSE(rules.Find("example.com", 443).host);
  EXPECT_FALSE(rules.Find("evilexample.com", 443).host);
  EXPECT_FALSE(rules.Find("", 443).host);
}

TEST(RuleSetTest, DeniedIsStronger) {
  const RuleSet rules = *RuleSet::Create({{"*.example.com", 443, {}}}, {"a.example.com", "*.com"});
  EXPECT_TRUE(rules.Find("a.example.com", 443).denied);
  EXPECT_TRUE(rules.Find("b.example.com", 443).denied);
  EXPECT_TRUE(RuleSet::Create({}, {"*"})->Find("x.test", 1).denied);
  EXPECT_FALSE(RuleSet::Create({}, {"y.test"})->Find("x.test", 1).denied);
}

TEST(ConfigTest, SurvivesTheWay) {
  Config config;
  config.uid = 4000000000;
  config.rules = {{"*.example.com", 443, {"10.0.0.0/8"}}};
  config.denied_hosts = {"x.example.com"};
  config.hosts = {{"a.test", {"127.0.0.1"}}};
  config.dns_servers = {"127.0.0.1:53"};
  config.limits.idle_timeout = std::chrono::milliseconds(7);
  const auto read = ParseConfig(ToJson(config));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(ToJson(*read), ToJson(config));
}

TEST(ConfigTest, IsStrict) {
  const std::string good = ToJson(Config{});
  EXPECT_TRUE(ParseConfig(good).ok());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return ParseConfig(text).status();
  };
  EXPECT_FALSE(with("\"uid\":0", "\"uid\":-1").ok());
  EXPECT_FALSE(with("\"uid\":0", "\"uid\":18446744073709551615").ok());
  EXPECT_FALSE(with("\"uid\":0", "\"uid\":0.5").ok());
  EXPECT_FALSE(with("\"uid\":0", "\"uid\":0,\"more\":1").ok());
  EXPECT_FALSE(with("\"uid\":0,", "").ok());
  EXPECT_FALSE(with("\"rules\":[]", "\"rules\":{}").ok());
  EXPECT_FALSE(with("\"connections\":64", "\"connections\":0").ok());
  EXPECT_FALSE(with("\"version\":1", "\"version\":2").ok());
  EXPECT_FALSE(ParseConfig("").ok());
  EXPECT_FALSE(ParseConfig("[]").ok());
}

}  // namespace
}  // namespace vortex::egress
