# Fault: each handler sleeps for an hour with its connection open.
require 'socket'

listener = TCPServer.new('127.0.0.1', 0)
$stdout.puts "ready #{listener.addr[1]}"
$stdout.flush
loop do
  Thread.new(listener.accept) do |connection|
    connection.readpartial(1024)
    sleep 3600 # executing here
  end
end
