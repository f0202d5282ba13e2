// SPDX-License-Identifier: Apache-2.0
#include "daemon/certificate_calendar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatewhy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t kDay = 86400;
constexpr std::int64_t kNow = 1800000000;

CertificateTerm endsIn(std::int64_t days, std::int64_t lifetime_days = 90) {
  const std::int64_t end = kNow + days * kDay + 60;
  return {.not_before = end - lifetime_days * kDay, .not_after = end};
}

class CertificateCalendarTest : public testing::Test {
 protected:
  // What is said when the certificate of an origin is looked at.
  std::vector<std::string> look(const CertificateTerm& term, std::int64_t now = kNow) {
    said_.clear();
    calendar_.tell({{.listener = {}, .file = {}, .origin = "shop", .endpoint = "https://a", .term = term}}, now);
    return said_;
  }
  std::vector<std::string> said_;
  CertificateCalendar calendar_{[this](const LifecycleEvent& event) {
    said_.push_back(std::string(event.severity) + " " + std::string(event.message));
  }};
};

TEST_F(CertificateCalendarTest, EachStepIsSaidOnce) {
  const CertificateTerm term = endsIn(40);
  EXPECT_THAT(look(term), IsEmpty());
  EXPECT_THAT(look(term, kNow + 11 * kDay),
              ElementsAre(HasSubstr("WARN the certificate of an origin expires in 29 days")));
  EXPECT_THAT(look(term, kNow + 12 * kDay), IsEmpty());
  EXPECT_THAT(look(term, kNow + 34 * kDay), ElementsAre(HasSubstr("expires in 6 days")));
  EXPECT_THAT(look(term, kNow + 35 * kDay), IsEmpty());
  EXPECT_THAT(look(term, kNow + 40 * kDay),
              ElementsAre(HasSubstr("ERROR the certificate of an origin expires within a day")));
  EXPECT_THAT(look(term, kNow + 50 * kDay), IsEmpty());
}

TEST_F(CertificateCalendarTest, OneThatHasExpiredIsSaid) {
  EXPECT_THAT(look(endsIn(-3)), ElementsAre(HasSubstr("has expired")));
}

TEST_F(CertificateCalendarTest, ARenewedOneBeginsAnew) {
  EXPECT_THAT(look(endsIn(6)), SizeIs(1));
  EXPECT_THAT(look(endsIn(89)), IsEmpty());
  EXPECT_THAT(look(endsIn(5)), SizeIs(1));
}

// Made for six days, renewed when two are left.
TEST_F(CertificateCalendarTest, ShortLivedOnesAreNotLateFromTheirFirstDay) {
  EXPECT_THAT(look(endsIn(5, 6)), IsEmpty());
  EXPECT_THAT(look(endsIn(1, 6)), ElementsAre(HasSubstr("expires in 1 day:")));
}

TEST_F(CertificateCalendarTest, AFileOfSeveralListenersIsSaidOnce) {
  const CertificateTerm term = endsIn(2);
  calendar_.tell({{.listener = "a:443", .file = "site.pem", .origin = {}, .endpoint = {}, .term = term},
                  {.listener = "b:443", .file = "site.pem", .origin = {}, .endpoint = {}, .term = term}},
                 kNow);
  EXPECT_THAT(said_, ElementsAre(HasSubstr("the certificate of a listener expires in 2 days: renew it")));
}

TEST(ExpiryNoticeTest, UnknownIsNoNotice) {
  EXPECT_EQ(expiryNotice({}, kNow), ExpiryNotice::None);
  EXPECT_EQ(expiryNotice({.not_before = 0, .not_after = kNow + 60}, kNow), ExpiryNotice::Day);
}

}  // namespace
}  // namespace gatewhy
