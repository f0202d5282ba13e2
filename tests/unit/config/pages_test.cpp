// SPDX-License-Identifier: Apache-2.0
// diagnostics.pages, respond.body, respond.page, and variables of rewrite.
#include "config/pages.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/load_unchecked.h"
#include "config_testing.h"

namespace gatewhy {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PagesTest : public ::testing::Test {
 protected:
  PagesTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "pagesXXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    std::filesystem::create_directory(directory_ / "p");
  }
  ~PagesTest() override { std::filesystem::remove_all(directory_); }
  PagesTest(const PagesTest&) = delete;
  PagesTest& operator=(const PagesTest&) = delete;

  void page(const std::string& name, std::string_view text) const { std::ofstream(directory_ / "p" / name) << text; }
  [[nodiscard]] LoadedConfig load(std::string_view more) const {
    std::ofstream(directory_ / "c.yaml") << testing::withBase(more);
    return loadConfigFile(directory_ / "c.yaml");
  }
  // Without the directory's name in front.
  [[nodiscard]] std::vector<std::string> problems(std::string_view more) const {
    std::vector<std::string> out = testing::lines(load(more));
    const std::string prefix = directory_.string() + "/";
    for (std::string& line : out) {
      for (std::size_t at = line.find(prefix); at != std::string::npos; at = line.find(prefix)) {
        line.erase(at, prefix.size());
      }
    }
    return out;
  }

  std::filesystem::path directory_;
};

constexpr std::string_view kPages = "diagnostics: {pages: {directory: p}}\n";

TEST_F(PagesTest, AreChosenByStatusThenByClass) {
  page("404.html", "{status}");
  page("4xx.html", "");
  page("maintenance.html", "");
  page("notes.txt", "{unknown}");
  const LoadedConfig loaded =
      load("diagnostics: {pages: {directory: p, name: Example Shop, contact: status.example}}\n");
  ASSERT_TRUE(loaded.config) << ::testing::PrintToString(testing::lines(loaded));
  EXPECT_THAT(loaded.problems, IsEmpty());
  const PagesConfig& pages = loaded.config->diagnostics.pages;
  EXPECT_EQ(pages.name, "Example Shop");
  EXPECT_EQ(pages.contact, "status.example");
  EXPECT_EQ(pages.forStatus(404), pages.named("404"));
  EXPECT_EQ(pages.forStatus(410), pages.named("4xx"));
  EXPECT_EQ(pages.forStatus(502), nullptr);
  EXPECT_EQ(pages.forStatus(200), nullptr);
  EXPECT_TRUE(pages.named("404")->html.hasVariables());
}

TEST_F(PagesTest, MistakesAreToldInTheirFiles) {
  page("404.html", "<p>\n{hots}");
  page("50x.html", "");
  page("a b.html", "");
  EXPECT_THAT(
      problems(kPages),
      ElementsAre("c.yaml:6:34: warning: the page 'p/a b.html' is not read: 'a b' is not a page's name: letters, "
                  "digits, '_' and '-'",
                  "c.yaml:6:34: warning: the page 'p/50x.html' is never shown: it is named after no status (404) or "
                  "class (5xx), and no route's 'respond.page' is '50x'",
                  "p/404.html:2:1: error: unknown variable '{hots}'; did you mean {host}?; a brace is written {{"));
  page("404.html", std::string(65UL * 1024, 'x'));
  EXPECT_THAT(problems(kPages), Contains(HasSubstr("error: the page 'p/404.html' is larger than 64 KiB")));
  EXPECT_THAT(problems("diagnostics: {pages: {directory: none}}\n"),
              ElementsAre("c.yaml:6:34: error: the directory 'none' cannot be read: No such file or directory"));
  EXPECT_THAT(problems("diagnostics: {pages: {directory: c.yaml}}\n"),
              ElementsAre("c.yaml:6:34: error: 'c.yaml' is not a directory"));
  EXPECT_THAT(problems("diagnostics: {pages: {dir: p}}\n"), ElementsAre(HasSubstr("unknown key 'dir'")));
}

TEST_F(PagesTest, EveryPageThatARouteNamesIsThere) {
  page("sale.html", "");
  const std::string route = "routes: [{respond: {page: sale}}]\n";
  EXPECT_THAT(problems(route + std::string(kPages)), ElementsAre(HasSubstr("no route leads to the origin")));
  EXPECT_THAT(problems(route), Contains(HasSubstr("c.yaml:6:27: error: there is no page 'sale': "
                                                  "'diagnostics.pages.directory' is not set")));
  EXPECT_THAT(problems("routes: [{respond: {page: sales}}]\n" + std::string(kPages)),
              Contains(HasSubstr("error: there is no 'sales.html' in 'p'; did you mean 'sale'?")));
  EXPECT_TRUE(loadUnchecked(directory_ / "c.yaml").config) << "for questions the text alone will do";
}

std::vector<std::string> contentProblems(std::string_view keys) {
  return testing::problems(testing::withBase("routes: [{origin: shop}, {respond: {" + std::string(keys) + "}}]\n"));
}

TEST(RespondContent, IsABodyOrAPage) {
  const LoadedConfig loaded = testing::load(
      testing::withBase("routes:\n  - respond:\n      status: 410\n      body: |\n        {path} is gone.\n        "
                        "Ask {contact}.\n"));
  ASSERT_TRUE(loaded.config);
  const FixedResponse& respond = *loaded.config->routes.front().respond;
  EXPECT_EQ(respond.body->parts().size(), 4U);
  EXPECT_EQ(respond.body->literal(), " is gone.\nAsk .\n");
  EXPECT_THAT(contentProblems("body: x, page: y"), ElementsAre(HasSubstr("'page' and 'body' exclude each other")));
  EXPECT_THAT(contentProblems("status: 204, body: x"), ElementsAre(HasSubstr("a 204 has no content")));
  EXPECT_THAT(contentProblems("status: 444, body: x"),
              ElementsAre(HasSubstr("444 closes the connection without an answer")));
  EXPECT_THAT(contentProblems("body: \"{hsot}\""), ElementsAre(HasSubstr("'respond.body': unknown variable '{hsot}'")));
  EXPECT_THAT(contentProblems("page: maintenance.html"), ElementsAre(HasSubstr("write 'maintenance'")));
  EXPECT_THAT(contentProblems("page: ../x"), ElementsAre(HasSubstr("is not a page's name")));
}

std::vector<std::string> rewriteProblems(std::string_view keys) {
  return testing::problems(
      testing::withBase("routes: [{path: /a, origin: shop, rewrite: {" + std::string(keys) + "}}]\n"));
}

TEST(RewriteVariables, ThoseOfARequestButTheQuery) {
  EXPECT_THAT(rewriteProblems("prefix: \"/{host}/{header.X-Tenant}\""), IsEmpty());
  EXPECT_THAT(rewriteProblems(R"x(regex: "^/a/(.*)", to: "/{client_certificate_fingerprint}/\\1")x"), IsEmpty());
  EXPECT_THAT(rewriteProblems(R"x(regex: "^/a", to: "{path}/x")x"), IsEmpty());
  EXPECT_THAT(rewriteProblems("prefix: \"/{uri}\""),
              ElementsAre(HasSubstr("'rewrite.prefix': '{uri}' has no place in a path")));
  EXPECT_THAT(rewriteProblems("prefix: \"/{status}\""), ElementsAre(HasSubstr("is not known yet")));
  EXPECT_THAT(rewriteProblems("prefix: \"/{hosts}\""), ElementsAre(HasSubstr("did you mean {host}?")));
  EXPECT_THAT(rewriteProblems("prefix: \"/$host\""), ElementsAre(HasSubstr("write {host}")));
  EXPECT_THAT(rewriteProblems("prefix: \"/{message}\""),
              ElementsAre(HasSubstr("is only for pages and 'respond.body'")));
  EXPECT_THAT(rewriteProblems(R"x(regex: "^/a", to: "/b?c")x"), ElementsAre(HasSubstr("'rewrite.to' is a path")));
}

}  // namespace
}  // namespace gatewhy
