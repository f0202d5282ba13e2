// SPDX-License-Identifier: Apache-2.0
// A stream of an H2OriginSession: what is told and what is sent for each event
// in each state. A pair without a row fails.
#include <array>

#include "tests/unit/proxy/http/h2/h2_origin_world.h"

namespace gatewhy::test {
namespace {

// Where the response is, and whether the request has ended.
enum class Where : std::uint8_t {
  AwaitedOpen,
  AwaitedSent,
  ComingOpen,
  ComingSent,
  WholeOpen,
  Closed,       // whole and sent
  GivenUp,      // by the origin, of a request that is open
  Tunnel,       // an extended CONNECT that was granted
  TunnelEnded,  // by the origin
};
constexpr std::array kWheres = {"AwaitedOpen", "AwaitedSent", "ComingOpen", "ComingSent", "WholeOpen",
                                "Closed",      "GivenUp",     "Tunnel",     "TunnelEnded"};

enum class Event : std::uint8_t {
  Interim,
  InterimEnds,
  Head,
  HeadEnds,
  Data,
  DataEnds,
  Trailers,
  BlockGoesOn,  // HEADERS without END_STREAM that are no head
  Cancel,
  NoError,
  GoAwayWithout,  // the stream is above its last one
  GoAwayWith,
  WindowOverflows,
  WeSend,
  WeEnd,
  WeReset,
  WeRelease,
};
constexpr std::array kEvents = {"Interim",         "InterimEnds", "Head",   "HeadEnds", "Data",          "DataEnds",
                                "Trailers",        "BlockGoesOn", "Cancel", "NoError",  "GoAwayWithout", "GoAwayWith",
                                "WindowOverflows", "WeSend",      "WeEnd",  "WeReset",  "WeRelease"};

struct Row {
  Event event;
  std::string_view outcome;  // events that are told, "->", frames that are sent
};
struct State {
  Where where;
  std::vector<Row> rows;
};

constexpr std::string_view kHeadersBehind = "over protocol STREAM_CLOSED HEADERS -> GOAWAY 0 0 STREAM_CLOSED";
constexpr std::string_view kDataBehind = "over protocol STREAM_CLOSED DATA -> GOAWAY 0 0 STREAM_CLOSED";
constexpr std::string_view kDataBefore = "over protocol PROTOCOL_ERROR DATA -> GOAWAY 0 0 PROTOCOL_ERROR";
constexpr std::string_view kBrokenBlock = "broken 1 PROTOCOL_ERROR HEADERS -> RST_STREAM 1 PROTOCOL_ERROR";
constexpr std::string_view kBrokenTrailers = "broken 1 trailer_invalid ':status' 0 -> RST_STREAM 1 PROTOCOL_ERROR";
constexpr std::string_view kNoStatus = "broken 1 pseudo_header_missing ':status' 0 -> RST_STREAM 1 PROTOCOL_ERROR";
constexpr std::string_view kLeftOut = "goaway 0 NO_ERROR ; reset 1 goaway NO_ERROR -> ";
constexpr std::string_view kGoneAnyway = "goaway 0 NO_ERROR  -> ";
constexpr std::string_view kGoesOn = "goaway 1 NO_ERROR  -> ";
constexpr std::string_view kOverflow = "broken 1 FLOW_CONTROL_ERROR WINDOW_UPDATE -> RST_STREAM 1 FLOW_CONTROL_ERROR";
constexpr std::string_view kNothing = " -> ";
constexpr std::string_view kCancelled = "reset 1 reset CANCEL -> ";
constexpr std::string_view kResetBeforeTheEnd = "reset 1 reset NO_ERROR -> ";

const std::vector<State>& table() {
  static const std::vector<State> states = {
      {Where::AwaitedOpen,
       {
           {Event::Interim, "interim 1 HTTP/1.1 103 || -> "},
           {Event::InterimEnds, kBrokenBlock},
           {Event::Head, "head 1 HTTP/1.1 200 || -> "},
           {Event::HeadEnds, "head 1 HTTP/1.1 200 || ends -> "},
           {Event::Data, kDataBefore},
           {Event::DataEnds, kDataBefore},
           {Event::Trailers, kNoStatus},
           {Event::BlockGoesOn, kNoStatus},
           {Event::Cancel, kCancelled},
           {Event::NoError, kResetBeforeTheEnd},
           {Event::GoAwayWithout, kLeftOut},
           {Event::GoAwayWith, kGoesOn},
           {Event::WindowOverflows, kOverflow},
           {Event::WeSend, " ->  DATA"},
           {Event::WeEnd, "sent 1 -> DATA 1 END_STREAM"},
           {Event::WeReset, " -> RST_STREAM 1 INTERNAL_ERROR"},
           {Event::WeRelease, " -> RST_STREAM 1 CANCEL"},
       }},
      {Where::AwaitedSent,
       {
           {Event::Interim, "interim 1 HTTP/1.1 103 || -> "},
           {Event::InterimEnds, kBrokenBlock},
           {Event::Head, "head 1 HTTP/1.1 200 || -> "},
           {Event::HeadEnds, "head 1 HTTP/1.1 200 || ends -> "},
           {Event::Data, kDataBefore},
           {Event::DataEnds, kDataBefore},
           {Event::Trailers, kNoStatus},
           {Event::BlockGoesOn, kNoStatus},
           {Event::Cancel, kCancelled},
           {Event::NoError, kResetBeforeTheEnd},
           {Event::GoAwayWithout, kLeftOut},
           {Event::GoAwayWith, kGoesOn},
           {Event::WindowOverflows, kOverflow},
           {Event::WeSend, kNothing},
           {Event::WeEnd, kNothing},
           {Event::WeReset, " -> RST_STREAM 1 INTERNAL_ERROR"},
           {Event::WeRelease, " -> RST_STREAM 1 CANCEL"},
       }},
      {Where::ComingOpen,
       {
           {Event::Interim, kBrokenBlock},
           {Event::InterimEnds, kBrokenTrailers},
           {Event::Head, kBrokenBlock},
           {Event::HeadEnds, kBrokenTrailers},
           {Event::Data, "body 1 x -> "},
           {Event::DataEnds, "body 1 x; end 1  -> "},
           {Event::Trailers, "end 1 t: u\r\n -> "},
           {Event::BlockGoesOn, kBrokenBlock},
           {Event::Cancel, kCancelled},
           {Event::NoError, kResetBeforeTheEnd},
           {Event::GoAwayWithout, kLeftOut},
           {Event::GoAwayWith, kGoesOn},
           {Event::WindowOverflows, kOverflow},
           {Event::WeSend, " ->  DATA"},
           {Event::WeEnd, "sent 1 -> DATA 1 END_STREAM"},
           {Event::WeReset, " -> RST_STREAM 1 INTERNAL_ERROR"},
           {Event::WeRelease, " -> RST_STREAM 1 CANCEL"},
       }},
      {Where::ComingSent,
       {
           {Event::Interim, kBrokenBlock},
           {Event::InterimEnds, kBrokenTrailers},
           {Event::Head, kBrokenBlock},
           {Event::HeadEnds, kBrokenTrailers},
           {Event::Data, "body 1 x -> "},
           {Event::DataEnds, "body 1 x; end 1  -> "},
           {Event::Trailers, "end 1 t: u\r\n -> "},
           {Event::BlockGoesOn, kBrokenBlock},
           {Event::Cancel, kCancelled},
           {Event::NoError, kResetBeforeTheEnd},
           {Event::GoAwayWithout, kLeftOut},
           {Event::GoAwayWith, kGoesOn},
           {Event::WindowOverflows, kOverflow},
           {Event::WeSend, kNothing},
           {Event::WeEnd, kNothing},
           {Event::WeReset, " -> RST_STREAM 1 INTERNAL_ERROR"},
           {Event::WeRelease, " -> RST_STREAM 1 CANCEL"},
       }},
      {Where::WholeOpen,
       {
           {Event::Interim, kHeadersBehind},
           {Event::InterimEnds, kHeadersBehind},
           {Event::Head, kHeadersBehind},
           {Event::HeadEnds, kHeadersBehind},
           {Event::Data, kDataBehind},
           {Event::DataEnds, kDataBehind},
           {Event::Trailers, kHeadersBehind},
           {Event::BlockGoesOn, kHeadersBehind},
           {Event::Cancel, kNothing},
           {Event::NoError, kNothing},
           {Event::GoAwayWithout, kGoneAnyway},
           {Event::GoAwayWith, kGoesOn},
           {Event::WindowOverflows, " -> RST_STREAM 1 FLOW_CONTROL_ERROR"},
           {Event::WeSend, " ->  DATA"},
           {Event::WeEnd, "sent 1 -> DATA 1 END_STREAM"},
           {Event::WeReset, " -> RST_STREAM 1 INTERNAL_ERROR"},
           {Event::WeRelease, " -> RST_STREAM 1 CANCEL"},
       }},
      {Where::Closed,
       {
           {Event::Interim, kHeadersBehind},
           {Event::InterimEnds, kHeadersBehind},
           {Event::Head, kHeadersBehind},
           {Event::HeadEnds, kHeadersBehind},
           {Event::Data, kDataBehind},
           {Event::DataEnds, kDataBehind},
           {Event::Trailers, kHeadersBehind},
           {Event::BlockGoesOn, kHeadersBehind},
           {Event::Cancel, kNothing},
           {Event::NoError, kNothing},
           {Event::GoAwayWithout, kGoneAnyway},
           {Event::GoAwayWith, kGoesOn},
           {Event::WindowOverflows, kNothing},
           {Event::WeSend, kNothing},
           {Event::WeEnd, kNothing},
           {Event::WeReset, kNothing},
           {Event::WeRelease, kNothing},
       }},
      {Where::GivenUp,
       {
           {Event::Interim, kHeadersBehind},
           {Event::InterimEnds, kHeadersBehind},
           {Event::Head, kHeadersBehind},
           {Event::HeadEnds, kHeadersBehind},
           {Event::Data, kDataBehind},
           {Event::DataEnds, kDataBehind},
           {Event::Trailers, kHeadersBehind},
           {Event::BlockGoesOn, kHeadersBehind},
           {Event::Cancel, kNothing},
           {Event::NoError, kNothing},
           {Event::GoAwayWithout, kGoneAnyway},
           {Event::GoAwayWith, kGoesOn},
           {Event::WindowOverflows, kNothing},
           {Event::WeSend, kNothing},
           {Event::WeEnd, kNothing},
           {Event::WeReset, kNothing},
           {Event::WeRelease, kNothing},
       }},
      {Where::Tunnel,
       {
           {Event::Interim, kBrokenBlock},
           {Event::InterimEnds, kBrokenTrailers},
           {Event::Head, kBrokenBlock},
           {Event::HeadEnds, kBrokenTrailers},
           {Event::Data, "body 1 x -> "},
           {Event::DataEnds, "body 1 x; end 1  -> "},
           {Event::Trailers, "end 1 t: u\r\n -> "},
           {Event::BlockGoesOn, kBrokenBlock},
           {Event::Cancel, kCancelled},
           {Event::NoError, kResetBeforeTheEnd},
           {Event::GoAwayWithout, kLeftOut},
           {Event::GoAwayWith, kGoesOn},
           {Event::WindowOverflows, kOverflow},
           {Event::WeSend, " ->  DATA"},
           {Event::WeEnd, "sent 1 -> DATA 1 END_STREAM"},
           {Event::WeReset, " -> RST_STREAM 1 INTERNAL_ERROR"},
           {Event::WeRelease, " -> RST_STREAM 1 CANCEL"},
       }},
      {Where::TunnelEnded,
       {
           {Event::Interim, kHeadersBehind},
           {Event::InterimEnds, kHeadersBehind},
           {Event::Head, kHeadersBehind},
           {Event::HeadEnds, kHeadersBehind},
           {Event::Data, kDataBehind},
           {Event::DataEnds, kDataBehind},
           {Event::Trailers, kHeadersBehind},
           {Event::BlockGoesOn, kHeadersBehind},
           {Event::Cancel, kCancelled},
           {Event::NoError, kResetBeforeTheEnd},
           {Event::GoAwayWithout, kLeftOut},
           {Event::GoAwayWith, kGoesOn},
           {Event::WindowOverflows, kOverflow},
           {Event::WeSend, " ->  DATA"},
           {Event::WeEnd, "sent 1 -> DATA 1 END_STREAM"},
           {Event::WeReset, " -> RST_STREAM 1 INTERNAL_ERROR"},
           {Event::WeRelease, " -> RST_STREAM 1 CANCEL"},
       }},
  };
  return states;
}

std::string headsOf(Where where) {
  const std::string head = h2Headers(1, kOk, false);
  switch (where) {
    case Where::AwaitedOpen:
    case Where::AwaitedSent:
      return "";
    case Where::ComingOpen:
    case Where::ComingSent:
    case Where::Tunnel:
      return head;
    case Where::WholeOpen:
    case Where::Closed:
    case Where::TunnelEnded:
      return head + h2Data(1, "", true);
    case Where::GivenUp:
      return h2RstStream(1, 2);
  }
  return "";
}

H2OriginRequest requestOf(Where where) {
  if (where == Where::Tunnel || where == Where::TunnelEnded) {
    return {.head = kGetHead, .protocol = "websocket", .websocket_accept = "x"};
  }
  const bool sent = where == Where::AwaitedSent || where == Where::ComingSent || where == Where::Closed;
  return {.head = kPostHead, .method = Method::Post, .ends = sent};
}

std::string framesOf(Event event) {
  switch (event) {
    case Event::Interim:
      return h2Headers(1, {{":status", "103"}}, false);
    case Event::InterimEnds:
      return h2Headers(1, {{":status", "103"}});
    case Event::Head:
      return h2Headers(1, kOk, false);
    case Event::HeadEnds:
      return h2Headers(1, kOk);
    case Event::Data:
      return h2Data(1, "x");
    case Event::DataEnds:
      return h2Data(1, "x", true);
    case Event::Trailers:
      return h2Headers(1, {{"t", "u"}});
    case Event::BlockGoesOn:
      return h2Headers(1, {{"t", "u"}}, false);
    case Event::Cancel:
      return h2RstStream(1, 8);
    case Event::NoError:
      return h2RstStream(1, 0);
    case Event::GoAwayWithout:
      return h2GoAway(0, 0);
    case Event::GoAwayWith:
      return h2GoAway(1, 0);
    case Event::WindowOverflows:
      return h2WindowUpdate(1, 0x7fffffff);
    case Event::WeSend:
    case Event::WeEnd:
    case Event::WeReset:
    case Event::WeRelease:
      return "";
  }
  return "";
}

void happen(H2OriginWorld& world, Event event) {
  if (event == Event::WeSend) {
    world.session.submitData(1, "y", false);
  } else if (event == Event::WeEnd) {
    world.session.submitEnd(1, "");
  } else if (event == Event::WeReset) {
    world.session.reset(1, H2Code::InternalError);
  } else if (event == Event::WeRelease) {
    world.session.release(1);
  }
  world.feed(framesOf(event));
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    text += (text.empty() ? "" : "; ") + line;
  }
  return text;
}

std::string outcomeOf(Where where, Event event) {
  H2OriginWorld world;
  world.feed(h2Settings({{8, 1}}) + h2SettingsAck());
  EXPECT_EQ(world.open(requestOf(where)), 1);
  world.feed(headsOf(where));
  world.events.clear();
  world.seen.lines.clear();
  happen(world, event);
  return joined(world.events) + " -> " + joined(world.seen.lines) + (world.seen.bodies[1].empty() ? "" : " DATA");
}

TEST(H2OriginStates, EveryPairHasItsOutcome) {
  for (std::size_t where = 0; where < kWheres.size(); ++where) {
    for (std::size_t event = 0; event < kEvents.size(); ++event) {
      const std::string outcome = outcomeOf(static_cast<Where>(where), static_cast<Event>(event));
      std::string_view expected = "no row";
      for (const State& state : table()) {
        for (const Row& row : state.rows) {
          if (state.where == static_cast<Where>(where) && row.event == static_cast<Event>(event)) {
            expected = row.outcome;
          }
        }
      }
      EXPECT_EQ(outcome, expected) << kWheres[where] << " " << kEvents[event];
    }
  }
}

}  // namespace
}  // namespace gatewhy::test
