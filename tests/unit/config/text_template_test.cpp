// SPDX-License-Identifier: Apache-2.0
#include "config/text_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatewhy {
namespace {

using ::testing::HasSubstr;

std::string complaintOf(std::string_view text, TemplatePlace place = TemplatePlace::Request) {
  const auto made = TextTemplate::parse(text, place);
  return made ? std::string() : made.error();
}

TEST(TextTemplate, VariablesAndTextInTurn) {
  const auto made = TextTemplate::parse("https://{host}{uri}#{query.a b}", TemplatePlace::Request);
  ASSERT_TRUE(made);
  ASSERT_EQ(made->parts().size(), 5U);
  EXPECT_EQ(made->parts()[0].text, "https://");
  EXPECT_EQ(made->parts()[1].variable, Variable::Host);
  EXPECT_EQ(made->parts()[2].variable, Variable::Uri);
  EXPECT_EQ(made->parts()[3].text, "#");
  EXPECT_EQ(made->parts()[4].variable, Variable::QueryParameter);
  EXPECT_EQ(made->parts()[4].name, "a b");
}

TEST(TextTemplate, EveryVariableIsKnown) {
  for (const std::string_view name : variableNames(TemplatePlace::Answer)) {
    const std::string text = "{" + std::string(name) + (name.ends_with('.') ? "x" : "") + "}";
    EXPECT_EQ(complaintOf(text, TemplatePlace::Answer), "") << text;
  }
}

TEST(TextTemplate, OtherBracesAndDollarsStandForThemselves) {
  for (const char* text :
       {R"({"report_to":"x","max_age":1})", "{}", "{ host}", "{1}", "a{", "}", "US$5", "$", "{host"}) {
    const auto made = TextTemplate::parse(text, TemplatePlace::Request);
    ASSERT_TRUE(made) << text;
    EXPECT_FALSE(made->hasVariables()) << text;
    EXPECT_EQ(made->literal(), text);
  }
  EXPECT_EQ(TextTemplate::parse("{{host} $$host", TemplatePlace::Request)->literal(), "{host} $host");
}

TEST(TextTemplate, AMistakeIsToldWithTheWordToUse) {
  EXPECT_EQ(complaintOf("$remote_addr"), "'$remote_addr' is nginx's; write {client_address}");
  EXPECT_THAT(complaintOf("https://$host$request_uri"), HasSubstr("write {host}"));
  EXPECT_THAT(complaintOf("$http_x_user"), HasSubstr("write {header.x-user}"));
  EXPECT_THAT(complaintOf("$arg_page"), HasSubstr("write {query.page}"));
  EXPECT_THAT(complaintOf("$nonsense"), HasSubstr("not a variable here"));
  EXPECT_THAT(complaintOf("$proxy_add_x_forwarded_for"), HasSubstr("leave the field out"));
  EXPECT_THAT(complaintOf("{client_adress}"), HasSubstr("did you mean {client_address}?"));
  EXPECT_THAT(complaintOf("{http.request.host}"), HasSubstr("write {host}"));
  EXPECT_THAT(complaintOf("{remote_addr}"), HasSubstr("write {client_address}"));
  EXPECT_THAT(complaintOf("{header.}"), HasSubstr("needs a name"));
  EXPECT_THAT(complaintOf("{status}"), HasSubstr("not known yet"));
  EXPECT_EQ(complaintOf("{status}", TemplatePlace::Response), "");
  EXPECT_THAT(complaintOf("{evidence}", TemplatePlace::Response), HasSubstr("only for pages and 'respond.body'"));
  EXPECT_THAT(complaintOf("{mesage}", TemplatePlace::Response), ::testing::Not(HasSubstr("{message}")));
  EXPECT_EQ(TextTemplate::parseAt("ab{hsot}", TemplatePlace::Request).error().at, 2U);
}

}  // namespace
}  // namespace gatewhy
