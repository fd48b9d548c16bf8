%% Two nodes of distributed Erlang on loopback: what `--bin remote` measures beside ours.
%%
%% Usage: erl -name server@127.0.0.1 -run remote server
%%        erl -name client@127.0.0.1 -run remote client server@127.0.0.1 CASTS CALLS
-module(remote).
-export([server/0, client/1]).

server() ->
    register(sink, spawn(fun() -> sink(0) end)),
    register(echo, spawn(fun echo/0)),
    io:format("ready~n"),
    receive stop -> ok end.

sink(Count) ->
    receive
        {count, From} -> From ! {count, Count}, sink(0);
        _ -> sink(Count + 1)
    end.

echo() ->
    receive {From, Ref, Number} -> From ! {Ref, Number + 1}, echo() end.

client([Name, Casts, Calls]) ->
    Server = list_to_atom(Name),
    pong = net_adm:ping(Server),
    Sink = rpc:call(Server, erlang, whereis, [sink]),
    Echo = rpc:call(Server, erlang, whereis, [echo]),
    one_way(Sink, 10000),
    Rate = one_way(Sink, list_to_integer(Casts)),
    calls(Echo, 2000),
    Times = lists:sort(calls(Echo, list_to_integer(Calls))),
    At = fun(Share) -> lists:nth(max(1, round(length(Times) * Share)), Times) / 1000 end,
    io:format("~p ~p ~p~n", [Rate, At(0.5), At(0.99)]),
    halt().

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
