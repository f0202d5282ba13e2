// SPDX-License-Identifier: Apache-2.0
// One request with one of Java's own clients: `java LeavingClient.java urlconnection|httpclient URL stay|leave`.
// Prints status and body.
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.SocketTimeoutException;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.cert.X509Certificate;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

public class LeavingClient {
  static SSLContext trusting() throws Exception {
    X509TrustManager all = new X509TrustManager() {
      public void checkClientTrusted(X509Certificate[] chain, String type) {}
      public void checkServerTrusted(X509Certificate[] chain, String type) {}
      public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
    };
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {all}, null);
    return context;
  }

  static void urlConnection(String url, boolean leave) throws Exception {
    HttpURLConnection connection = (HttpURLConnection) new URL(url).openConnection();
    if (connection instanceof HttpsURLConnection tls) {
      tls.setSSLSocketFactory(trusting().getSocketFactory());
      tls.setHostnameVerifier((name, session) -> true);
    }
    connection.setReadTimeout(leave ? 300 : 30000);
    try {
      int status = connection.getResponseCode();
      try (InputStream body = connection.getInputStream()) {
        System.out.println(status + " " + new String(body.readAllBytes()));
      }
    } catch (SocketTimeoutException late) {
      connection.disconnect();
    }
  }

  static void httpClient(String url, boolean leave) throws Exception {
    System.setProperty("jdk.internal.httpclient.disableHostnameVerification", "true");
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).sslContext(trusting()).build();
    HttpRequest request = HttpRequest.newBuilder(java.net.URI.create(url)).build();
    var answer = client.sendAsync(request, HttpResponse.BodyHandlers.ofString());
    if (leave) {
      Thread.sleep(1500); // its threads and TLS take a while
      answer.cancel(true);
      Thread.sleep(500); // it closes the connection in a thread of its own
      System.exit(0);
    }
    System.out.println(answer.get().statusCode() + " " + answer.get().body());
  }

  public static void main(String[] arguments) throws Exception {
    boolean leave = arguments[2].equals("leave");
    if (arguments[0].equals("urlconnection")) {
      urlConnection(arguments[1], leave);
    } else {
      httpClient(arguments[1], leave);
    }
  }
}
