%% Two nodes of distributed Erlang on loopback: what `--bin remote` measures beside ours.
%%
%% Usage: erl -name server@127.0.0.1 -run remote server
%%        erl -name client@127.0.0.1 -run remote client server@127.0.0.1 CASTS CALLS BYTES
-module(remote).
-export([server/0, client/1]).

server() ->
    register(sink, spawn(fun() -> sink(0) end)),
    register(echo, spawn(fun echo/0)),
    register(store, spawn(fun store/0)),
    io:format("ready~n"),
    receive stop -> ok end.

sink(Count) ->
    receive
        {count, From} -> From ! {count, Count}, sink(0);
        _ -> sink(Count + 1)
    end.

echo() ->
    receive {From, Ref, Number} -> From ! {Ref, Number + 1}, echo() end.

store() ->
    receive {From, Ref, Bytes} -> From ! {Ref, byte_size(Bytes)}, store() end.

client([Name, Casts, Calls, Bytes]) ->
    Server = list_to_atom(Name),
    pong = net_adm:ping(Server),
    Sink = rpc:call(Server, erlang, whereis, [sink]),
    Echo = rpc:call(Server, erlang, whereis, [echo]),
    one_way(Sink, 10000),
    Rate = one_way(Sink, list_to_integer(Casts)),
    calls(Echo, 2000),
    Times = lists:sort(calls(Echo, list_to_integer(Calls))),
    Store = rpc:call(Server, erlang, whereis, [store]),
    {Beside, Moved} = beside(Echo, Store, list_to_integer(Bytes), list_to_integer(Calls) div 4),
    io:format("~p ~p ~p ~p ~p~n", [Rate, at(Times, 0.5), at(Times, 0.99), at(Beside, 0.99), Moved]),
    halt().

at(Times, Share) -> lists:nth(max(1, round(length(Times) * Share)), Times) / 1000.

%% Calls while another process sends large binaries, one after the other; and bytes a second of those.
beside(Echo, Store, Bytes, Calls) ->
    Self = self(),
    Large = binary:copy(<<1>>, Bytes),
    Sender = spawn_link(fun() -> transfers(Store, Large, Self, 0, erlang:monotonic_time(nanosecond)) end),
    timer:sleep(200),
    Times = lists:sort(spread(Echo, Calls)),
    Sender ! stop,
    receive {moved, Moved} -> {Times, Moved} end.

transfers(Store, Large, Parent, Count, Begin) ->
    Ref = make_ref(),
    Store ! {self(), Ref, Large},
    receive {Ref, _} -> ok end,
    receive
        stop ->
            Took = erlang:monotonic_time(nanosecond) - Begin,
            Parent ! {moved, (Count + 1) * byte_size(Large) * 1.0e9 / Took}
    after 0 -> transfers(Store, Large, Parent, Count + 1, Begin)
    end.

%% A call each millisecond, or as soon as the last is answered.
spread(Echo, Calls) ->
    [begin timer:sleep(1), call(Echo, Number) end || Number <- lists:seq(1, Calls)].

%% Casts a second, all of them received.
one_way(Sink, Casts) ->
    Begin = erlang:monotonic_time(nanosecond),
    [Sink ! Number || Number <- lists:seq(1, Casts)],
    Sink ! {count, self()},
    receive {count, Casts} -> ok end,
    Casts * 1.0e9 / (erlang:monotonic_time(nanosecond) - Begin).

%% Nanoseconds of each call, one after the other.
calls(Echo, Calls) ->
    [call(Echo, Number) || Number <- lists:seq(1, Calls)].

call(Echo, Number) ->
    Begin = erlang:monotonic_time(nanosecond),
    Ref = erlang:monitor(process, Echo),
    Echo ! {self(), Ref, Number},
    receive {Ref, _} -> erlang:demonitor(Ref, [flush]) end,
    erlang:monotonic_time(nanosecond) - Begin.
