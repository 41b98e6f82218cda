// Fault: each handler sleeps for an hour with its connection open.
package main

import (
	"fmt"
	"net"
	"time"
)

func handle(connection net.Conn) {
	defer connection.Close()
	connection.Read(make([]byte, 1024))
	time.Sleep(time.Hour) // executing here
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("ready", listener.Addr().(*net.TCPAddr).Port)
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go handle(connection)
	}
}
