%% One node of many: what `--bin remote` starts beside ours, to see a cluster form and break.
%%
%% Usage: erl -name n2@127.0.0.1 -run member start SEED OTHERS...
%% Prints `up NAME` and `down NAME`, as it is told, until its input ends. It pings all others every second,
%% since distributed Erlang does not look for nodes that were lost.
-module(member).
-export([start/1]).

start(Names) ->
    Nodes = [list_to_atom(Name) || Name <- Names],
    ok = net_kernel:monitor_nodes(true),
    %% Who came before is told of late.
    [io:format("up ~s~n", [Node]) || Node <- nodes()],
    spawn_link(fun() -> join(hd(Nodes)) end),
    [spawn_link(fun() -> keep(Node) end) || Node <- Nodes, Node =/= node()],
    spawn(fun() -> io:get_line(""), erlang:halt(0, [{flush, false}]) end),
    watch().

%% The first is asked until it is there.
join(Seed) when Seed =:= node() -> ok;
join(Seed) ->
    case net_adm:ping(Seed) of
        pong -> ok;
        pang -> timer:sleep(20), join(Seed)
    end.

keep(Node) ->
    timer:sleep(1000),
    net_adm:ping(Node),
    keep(Node).

watch() ->
    receive
        {nodeup, Node} -> io:format("up ~s~n", [Node]);
        {nodedown, Node} -> io:format("down ~s~n", [Node])
    end,
    watch().
