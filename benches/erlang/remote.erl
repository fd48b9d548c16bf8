%% Two nodes of distributed Erlang on loopback: what `--bin remote` measures beside ours.
%%
%% Usage: erl -name server@127.0.0.1 -run remote server
%%        erl -name client@127.0.0.1 -run remote client server@127.0.0.1 CASTS CALLS BYTES RATE...
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

client([Name, Casts, Calls, Bytes | Rates]) ->
    Server = list_to_atom(Name),
    pong = net_adm:ping(Server),
    Sink = rpc:call(Server, erlang, whereis, [sink]),
    Echo = rpc:call(Server, erlang, whereis, [echo]),
    one_way(Sink, 10000),
    Rate = one_way(Sink, list_to_integer(Casts)),
    calls(Echo, 2000),
    Times = lists:sort(calls(Echo, list_to_integer(Calls))),
    Open = [open(Echo, list_to_integer(Text)) || Text <- Rates],
    Store = rpc:call(Server, erlang, whereis, [store]),
    {Beside, Moved} = beside(Echo, Store, list_to_integer(Bytes), list_to_integer(Calls) div 4),
    io:format("~p ~p ~p", [Rate, at(Times, 0.5), at(Times, 0.99)]),
    [io:format(" ~p ~p", [at(Each, 0.5), at(Each, 0.99)]) || Each <- Open],
    io:format(" ~p ~p~n", [at(Beside, 0.99), Moved]),
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

%% Calls at a fixed rate by 32 callers for two seconds: nanoseconds since each was to be sent.
open(Echo, Rate) ->
    Self = self(),
    Period = 32 * 1000000000 div Rate,
    Begin = erlang:monotonic_time(nanosecond) + 50000000,
    Caller = fun(First) -> Self ! {open, due(Echo, First, Period, Begin + 2000000000, [])} end,
    [spawn_link(fun() -> Caller(Begin + Number * Period div 32) end) || Number <- lists:seq(0, 31)],
    lists:sort(lists:append([receive {open, Times} -> Times end || _ <- lists:seq(0, 31)])).

due(_, Due, _, End, Times) when Due >= End -> Times;
due(Echo, Due, Period, End, Times) ->
    Wait = Due - erlang:monotonic_time(nanosecond),
    timer:sleep(max(0, (Wait + 999999) div 1000000)),
    call(Echo, 1),
    due(Echo, Due + Period, Period, End, [erlang:monotonic_time(nanosecond) - Due | Times]).

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
