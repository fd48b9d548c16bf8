%% How fast is Erlang/OTP at the same work?
%%
%% Role       Every workload once, as an Erlang programmer would write it.
%% Inputs     peers main WORKLOAD OPS WARMUP PROCESSES on the command line.
%% Outputs    One line of JSON: {"measured":{...}}, the shape that the Rust children print.
%% Owns       The whole node; one workload per node.
%% Invariant  A wrong result halts with status 1 and a line that says what was wrong.

-module(peers).

-export([main/1, init/1, handle_call/3, handle_cast/2, start_worker/2, worker/2,
         start_idle/1]).

-define(TOKENS, 100).
-define(ARITY, 10).
-define(RECORDS, 8192).
-define(PAYLOAD_BYTES, 65536).
-define(PAGE_BYTES, 4096).
%% An OTP supervisor walks its list of restarts at every restart, and a period is at least a
%% second, so a fresh supervisor takes over before the list is long.
-define(RESTARTS_PER_SUPERVISOR, 1000).

main([Workload | Sizes]) ->
    %% Reports of a hundred thousand crashes would be measured too.
    logger:set_primary_config(level, none),
    [Ops, Warmup, Processes] = [list_to_integer(Size) || Size <- Sizes],
    try run(list_to_atom(Workload), Ops, Warmup, Processes) of
        Sample -> io:format("~s~n", [json(Sample)]), halt(0, [{flush, true}])
    catch
        Class:Reason:Stack ->
            io:format(standard_error, "~p:~p ~p~n", [Class, Reason, Stack]),
            halt(1)
    end.

run(call, Ops, Warmup, _) -> call(Warmup), call(Ops);
run(cast, Ops, Warmup, _) -> cast(Warmup), cast(Ops);
run(spawn, Ops, Warmup, _) -> weigh(fun spawn_idle/2, Ops, Warmup);
run(fan_in, Ops, Warmup, Senders) -> fan_in(Warmup, Senders), fan_in(Ops, Senders);
run(ring_10k, Ops, Warmup, Members) -> ring(Ops, Warmup, Members);
run(ring_100k, Ops, Warmup, Members) -> ring(Ops, Warmup, Members);
run(fan_out, Ops, Warmup, N) -> fan_out(Warmup, N), fan_out(Ops, N);
run(restart_exit, Ops, Warmup, _) -> restart(Warmup, exit), restart(Ops, exit);
run(restart_panic, Ops, Warmup, _) -> restart(Warmup, panic), restart(Ops, panic);
run(big_message, Ops, Warmup, _) -> big_message(Warmup), big_message(Ops);
run(skynet, Ops, Warmup, _) -> skynet(Warmup), skynet(Ops);
run(idle_supervised, Ops, Warmup, _) -> weigh(fun supervise_idle/2, Ops, Warmup).

%% Request and reply.

call(Calls) ->
    {ok, Server} = gen_server:start(?MODULE, server, []),
    Main = self(),
    spawn_link(fun() ->
        Clock = clock(),
        Answer = call_loop(Server, Calls, 0),
        Sample = sample(Clock, Calls),
        expect(answer, Answer, Calls),
        Main ! {sample, Sample}
    end),
    receive {sample, Sample} -> Sample end.

call_loop(_, 0, Number) -> Number;
call_loop(Server, Left, Number) ->
    call_loop(Server, Left - 1, gen_server:call(Server, Number, infinity)).

%% Callbacks of the server and of the supervisors.

init(server) -> {ok, state};
init({one_worker, Driver}) ->
    Flags = #{strategy => one_for_one, intensity => 10 * ?RESTARTS_PER_SUPERVISOR, period => 1},
    {ok, {Flags, [#{id => worker, start => {?MODULE, start_worker, [Driver, self()]}}]}};
init({many_idle, Gates}) ->
    Flags = #{strategy => simple_one_for_one},
    Child = #{id => idle, restart => temporary, start => {?MODULE, start_idle, [Gates]}},
    {ok, {Flags, [Child]}}.

handle_call(Number, _, State) -> {reply, Number + 1, State}.

handle_cast(_, State) -> {noreply, State}.

%% One-way ping-pong.

cast(Hops) ->
    Main = self(),
    Left = spawn_link(fun() -> receive {meet, Right} -> bounce(Right, Main, Hops) end end),
    Right = spawn_link(fun() -> bounce(Left, Main, Hops) end),
    Left ! {meet, Right},
    Clock = clock(),
    Left ! 1,
    receive {hops, Got} -> expect(hops, Got, Hops) end,
    sample(Clock, Hops).

bounce(Partner, Main, Hops) ->
    receive
        Hops -> Main ! {hops, Hops};
        Hop -> Partner ! Hop + 1, bounce(Partner, Main, Hops)
    end.

%% Idle processes.

weigh(Spawn, Ops, Warmup) ->
    {_, WarmPids, WarmGates} = spawn_ready(Spawn, Warmup div 10),
    poke(WarmPids, WarmGates),
    Before = resident(),
    {Sample, Pids, Gates} = spawn_ready(Spawn, Ops),
    AfterSpawn = resident(),
    poke(Pids, Gates),
    AfterMessage = resident(),
    expect(handles, length(Pids), Ops),
    Sample#{bytes_per_process => (AfterSpawn - Before) / Ops,
            bytes_per_process_after_message => (AfterMessage - Before) / Ops}.

spawn_ready(Spawn, Count) ->
    Gates = {gate(Count), gate(Count), self()},
    Clock = clock(),
    Pids = Spawn(Count, Gates),
    receive ready -> ok end,
    {sample(Clock, Count), Pids, Gates}.

poke(Pids, _) ->
    lists:foreach(fun(Pid) -> Pid ! poke end, Pids),
    receive handled -> ok end.

spawn_idle(Count, Gates) -> [spawn(fun() -> idle(Gates) end) || _ <- lists:seq(1, Count)].

supervise_idle(Count, Gates) ->
    {ok, Supervisor} = supervisor:start_link(?MODULE, {many_idle, Gates}),
    [element(2, {ok, _} = supervisor:start_child(Supervisor, [])) || _ <- lists:seq(1, Count)].

start_idle(Gates) -> {ok, spawn_link(fun() -> idle(Gates) end)}.

idle({Ready, Handled, Main}) ->
    arrive(Ready, Main, ready),
    idle_loop(Handled, Main).

idle_loop(Handled, Main) ->
    receive poke -> arrive(Handled, Main, handled), idle_loop(Handled, Main) end.

gate(Count) ->
    Gate = atomics:new(1, []),
    atomics:put(Gate, 1, Count),
    Gate.

arrive(Gate, Main, What) ->
    case atomics:sub_get(Gate, 1, 1) of
        0 -> Main ! What;
        _ -> ok
    end.

%% Many senders, one receiver.

fan_in(Messages, Senders) ->
    Main = self(),
    Receiver = spawn_link(fun() -> Main ! {sum, sum_messages(Messages, 0)} end),
    Each = Messages div Senders,
    Clock = clock(),
    [spawn_link(fun() -> send_numbers(Receiver, 0, Each) end) || _ <- lists:seq(1, Senders)],
    receive {sum, Sum} -> expect(sum, Sum, Senders * sum_below(Each)) end,
    sample(Clock, Messages).

send_numbers(_, Count, Count) -> ok;
send_numbers(Receiver, Number, Count) ->
    Receiver ! Number,
    send_numbers(Receiver, Number + 1, Count).

sum_messages(0, Sum) -> Sum;
sum_messages(Left, Sum) -> receive Number -> sum_messages(Left - 1, Sum + Number) end.

%% Tokens round a ring.

ring(Ops, Warmup, Members) ->
    Main = self(),
    First = spawn_link(fun() -> receive {next, Next} -> pass(Next, Main) end end),
    Others = lists:foldl(fun(_, [Next | _] = Ring) ->
        [spawn_link(fun() -> pass(Next, Main) end) | Ring]
    end, [First], lists:seq(2, Members)),
    First ! {next, hd(Others)},
    Ring = list_to_tuple(Others),
    Starts = [element(1 + Token * (Members div ?TOKENS), Ring)
              || Token <- lists:seq(0, ?TOKENS - 1)],
    turn(Warmup, Starts),
    turn(Ops, Starts).

pass(Next, Main) ->
    receive
        0 -> Main ! arrived, pass(Next, Main);
        Hops -> Next ! Hops - 1, pass(Next, Main)
    end.

turn(Hops, Starts) ->
    Clock = clock(),
    [Start ! Hops div ?TOKENS || Start <- Starts],
    [receive arrived -> ok end || _ <- Starts],
    sample(Clock, Hops).

%% One sender, many receivers.

fan_out(Deliveries, Receivers) ->
    Main = self(),
    Rounds = Deliveries div Receivers,
    Pids = [spawn_link(fun() -> Main ! {sum, sum_payloads(Rounds, 0)} end)
            || _ <- lists:seq(1, Receivers)],
    Payload = binary:copy(<<1>>, ?PAYLOAD_BYTES),
    Clock = clock(),
    spawn_link(fun() -> [[Pid ! Payload || Pid <- Pids] || _ <- lists:seq(1, Rounds)] end),
    Sum = lists:sum([receive {sum, Part} -> Part end || _ <- Pids]),
    expect(payloads, Sum, Deliveries * (?PAYLOAD_BYTES + 1)),
    sample(Clock, Deliveries).

sum_payloads(0, Sum) -> Sum;
sum_payloads(Left, Sum) ->
    receive Payload -> sum_payloads(Left - 1, Sum + byte_size(Payload) + binary:first(Payload)) end.

%% Restarts.

restart(Restarts, Ending) ->
    Main = self(),
    spawn_link(fun() ->
        Clock = clock(),
        restart_loop(Restarts, Ending),
        Main ! {sample, sample(Clock, Restarts)}
    end),
    receive {sample, Sample} -> Sample end.

restart_loop(0, _) -> ok;
restart_loop(Left, Ending) ->
    Batch = min(Left, ?RESTARTS_PER_SUPERVISOR),
    {ok, Supervisor} = supervisor:start_link(?MODULE, {one_worker, self()}),
    receive {up, Supervisor, Worker} -> end_worker(Batch, Supervisor, Worker, Ending) end,
    unlink(Supervisor),
    exit(Supervisor, shutdown),
    restart_loop(Left - Batch, Ending).

end_worker(0, _, _, _) -> ok;
end_worker(Left, Supervisor, Worker, Ending) ->
    Worker ! Ending,
    receive {up, Supervisor, Next} -> end_worker(Left - 1, Supervisor, Next, Ending) end.

start_worker(Driver, Supervisor) ->
    {ok, proc_lib:spawn_link(?MODULE, worker, [Driver, Supervisor])}.

worker(Driver, Supervisor) ->
    Driver ! {up, Supervisor, self()},
    receive
        exit -> exit(normal);
        panic -> error(as_told)
    end.

%% Large messages.

big_message(Messages) ->
    Main = self(),
    Receiver = spawn_link(fun() -> Main ! {sum, sum_records(Messages, 0)} end),
    Clock = clock(),
    spawn_link(fun() -> [Receiver ! records() || _ <- lists:seq(1, Messages)] end),
    receive {sum, Sum} ->
        expect(records, Sum, Messages * (sum_below(?RECORDS) + ?RECORDS * (16 + 56)))
    end,
    sample(Clock, Messages).

%% Fresh binaries of 16 and 56 bytes: they live on the heap of a process and are copied with it.
records() -> [{Number, <<Number:128>>, <<Number:448>>} || Number <- lists:seq(0, ?RECORDS - 1)].

sum_records(0, Sum) -> Sum;
sum_records(Left, Sum) ->
    receive Records -> sum_records(Left - 1, Sum + sum_record(Records, 0)) end.

sum_record([], Sum) -> Sum;
sum_record([{Number, Name, Note} | Rest], Sum) ->
    sum_record(Rest, Sum + Number + byte_size(Name) + byte_size(Note)).

%% A tree of processes.

skynet(Leaves) ->
    Main = self(),
    Clock = clock(),
    spawn_link(fun() -> node(Main, 0, Leaves) end),
    receive Sum when is_integer(Sum) -> expect(leaves, Sum, sum_below(Leaves)) end,
    sample(Clock, Leaves).

node(Parent, Number, 1) -> Parent ! Number;
node(Parent, Number, Leaves) ->
    Share = Leaves div ?ARITY,
    Self = self(),
    [spawn(fun() -> node(Self, Number + Child * Share, Share) end)
     || Child <- lists:seq(0, ?ARITY - 1)],
    Parent ! sum_messages(?ARITY, 0).

%% Clocks, weights, checks, output.

clock() ->
    Cpu = cpu(),
    {Cpu, erlang:monotonic_time(nanosecond)}.

%% statistics(runtime) would leave out the time spent in the kernel, and is in milliseconds.
cpu() ->
    {ok, Threads} = file:list_dir("/proc/self/task"),
    lists:sum([cpu_of(Thread) || Thread <- Threads]).

cpu_of(Thread) ->
    case file:read_file(["/proc/self/task/", Thread, "/schedstat"]) of
        {ok, Stat} -> binary_to_integer(hd(binary:split(Stat, <<" ">>)));
        {error, _} -> 0
    end.

sample({Cpu, Wall}, Ops) ->
    Now = erlang:monotonic_time(nanosecond),
    #{ops => Ops, wall_ns => Now - Wall,
      cpu_ns => cpu() - Cpu,
      bytes_per_process => null, bytes_per_process_after_message => null}.

resident() ->
    timer:sleep(50),
    {ok, Statm} = file:read_file("/proc/self/statm"),
    [_, Pages | _] = binary:split(Statm, <<" ">>, [global]),
    binary_to_integer(Pages) * ?PAGE_BYTES.

sum_below(Count) -> Count * (Count - 1) div 2.

expect(_, Same, Same) -> ok;
expect(What, Got, Want) -> error({wrong, What, Got, Want}).

json(Sample) ->
    Fields = [io_lib:format("\"~s\":~s", [Key, number(Value)])
              || {Key, Value} <- maps:to_list(Sample)],
    ["{\"measured\":{", lists:join(",", Fields), "}}"].

number(null) -> "null";
number(Value) when is_integer(Value) -> integer_to_list(Value);
number(Value) -> float_to_list(Value, [{decimals, 2}]).
