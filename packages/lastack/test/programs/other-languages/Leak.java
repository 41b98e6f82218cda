// Fault: each handler sleeps for an hour with its connection open.
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

public class Leak {
    static void handle(Socket connection) {
        try (connection) {
            connection.getInputStream().read(new byte[1024]);
            Thread.sleep(3_600_000); // executing here
        } catch (Exception e) {
            throw new RuntimeException(e);
        }
    }

    public static void main(String[] args) throws Exception {
        ServerSocket listener = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
        System.out.println("ready " + listener.getLocalPort());
        while (true) {
            Socket connection = listener.accept();
            new Thread(() -> handle(connection)).start();
        }
    }
}
