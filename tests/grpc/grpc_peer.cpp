// SPDX-License-Identifier: Apache-2.0
// Both ends of call.proto by grpc++, whose windows follow what it measures with
// PINGs, and its health service, which says of call.proto's what a call with
// act "well" or "unwell" wants: `grpc_peer server` prints its port and then what becomes of calls,
// `grpc_peer client STORY PORT` what came of them, as JSON.
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "call.grpc.pb.h"

namespace {

using gatewhy::test::Answer;
using gatewhy::test::Calls;
using gatewhy::test::Order;

void say(const std::string& line) {
  std::cout << line << std::endl;
}

class Service final : public Calls::Service {
 public:
  grpc::Status Unary(grpc::ServerContext* context, const Order* order, Answer* answer) override {
    if (order->act() == "hang") {
      say("hangs");
      while (!context->IsCancelled()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
      say("cancelled");
      return grpc::Status::CANCELLED;
    }
    if (order->act() == "fail") {
      return {static_cast<grpc::StatusCode>(order->count()), "as ordered: 100% \xC3\xBC"};
    }
    if (order->act() == "well" || order->act() == "unwell") {
      health->SetServingStatus(Calls::service_full_name(), order->act() == "well");
    }
    answer->set_payload(order->payload());
    return grpc::Status::OK;
  }
  grpc::Status Collect(grpc::ServerContext* /*context*/, grpc::ServerReader<Order>* orders, Answer* answer) override {
    Order order;
    while (orders->Read(&order)) {
      answer->set_number(answer->number() + 1);
    }
    return grpc::Status::OK;
  }
  grpc::Status Expand(grpc::ServerContext* /*context*/, const Order* order,
                      grpc::ServerWriter<Answer>* answers) override {
    Answer answer;
    answer.set_payload(order->payload());
    answers->Write(answer);
    if (order->act() == "die") {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the first answer is to leave
      std::_Exit(0);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(order->wait_ms()));
    for (unsigned number = 2; number <= order->count(); ++number) {
      answers->Write(answer);
    }
    return grpc::Status::OK;
  }
  grpc::Status Talk(grpc::ServerContext* context, grpc::ServerReaderWriter<Answer, Order>* stream) override {
    stream->SendInitialMetadata();
    Order order;
    Answer answer;
    while (stream->Read(&order)) {
      answer.set_payload(order.payload());
      if (!stream->Write(answer)) {
        break;
      }
    }
    if (context->IsCancelled()) {
      say("cancelled");
    }
    return grpc::Status::OK;
  }

  grpc::HealthCheckServiceInterface* health = nullptr;  // of its server
};

int serve() {
  grpc::EnableDefaultHealthCheckService(true);
  Service service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(-1);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  service.health = server->GetHealthCheckService();
  service.health->SetServingStatus(Calls::service_full_name(), true);
  say(std::to_string(port));
  server->Wait();
  return 0;
}

void tell(const grpc::Status& status, unsigned answers, std::uint64_t octets) {
  std::string details = status.error_message();
  for (char& c : details) {
    c = c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ' ? '\'' : c;
  }
  std::cout << "{\"code\":" << status.error_code() << ",\"details\":\"" << details << "\",\"answers\":" << answers
            << ",\"octets\":" << octets << "}" << std::endl;
}

void unary(Calls::Stub& calls, const Order& order, std::chrono::milliseconds deadline) {
  grpc::ClientContext context;
  if (deadline.count() != 0) {
    context.set_deadline(std::chrono::system_clock::now() + deadline);
  }
  Answer answer;
  const grpc::Status status = calls.Unary(&context, order, &answer);
  tell(status, status.ok() ? 1 : 0, answer.payload().size());
}

void expand(Calls::Stub& calls, const Order& order) {
  grpc::ClientContext context;
  const auto stream = calls.Expand(&context, order);
  Answer answer;
  unsigned answers = 0;
  while (stream->Read(&answer)) {
    ++answers;
  }
  tell(stream->Finish(), answers, 0);
}

// `messages` of `size` octets each way; `in_turn`: each after the answer to the one before.
void talk(Calls::Stub& calls, unsigned messages, std::size_t size, bool in_turn) {
  grpc::ClientContext context;
  const auto stream = calls.Talk(&context);
  Order order;
  order.set_payload(std::string(size, 'x'));
  Answer answer;
  unsigned answers = 0;
  std::uint64_t octets = 0;
  const auto read = [&] {
    const bool came = stream->Read(&answer);
    answers += came ? 1 : 0;
    octets += came ? answer.payload().size() : 0;
    return came;
  };
  std::thread writer([&] {
    for (unsigned i = 0; i < messages && !in_turn; ++i) {
      stream->Write(order);
    }
    if (!in_turn) {
      stream->WritesDone();
    }
  });
  for (unsigned i = 0; i < messages && in_turn && stream->Write(order) && read(); ++i) {
  }
  if (in_turn) {
    stream->WritesDone();
  }
  while (read()) {
  }
  writer.join();
  tell(stream->Finish(), answers, octets);
}

int call(const std::string& story, const std::string& port) {
  grpc::ChannelArguments unlimited;
  unlimited.SetMaxReceiveMessageSize(-1);
  const auto stub =
      Calls::NewStub(grpc::CreateCustomChannel("127.0.0.1:" + port, grpc::InsecureChannelCredentials(), unlimited));
  Order order;
  order.set_payload("x");
  if (story == "unary") {
    unary(*stub, order, {});
  } else if (story == "deadline") {
    order.set_act("hang");
    unary(*stub, order, std::chrono::milliseconds(400));
  } else if (story == "die") {
    order.set_act("die");
    expand(*stub, order);
  } else if (story == "talk") {
    talk(*stub, 5, 1, true);
  } else if (story == "big") {
    talk(*stub, 1600, 64UL * 1024, false);
  } else {
    return 2;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string role = argc > 1 ? argv[1] : "";
  if (role == "server") {
    return serve();
  }
  return role == "client" && argc == 4 ? call(argv[2], argv[3]) : 2;
}
