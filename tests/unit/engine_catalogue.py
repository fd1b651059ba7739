"""The hand-written shapes that the engine's tests walk through: one for each construct, and some for their combinations."""

from __future__ import annotations

from tests.unit.engine_shapes import Shape, shape

YES = {
    "ok": [True, False],
    "x": [0, 1, 2, 3],
    "note": ["a", "张", {"b": 1, "a": [1, True]}],
    "items": [["p"], ["p", "q", "r"], [], [1, 2]],
}

_TABLE = b"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="http://anpei/test">
<decision id="level" name="level"><decisionTable id="t" hitPolicy="FIRST">
<input id="i1"><inputExpression id="ie1"><text>x</text></inputExpression></input>
<input id="i2"><inputExpression id="ie2"><text>ok</text></inputExpression></input>
<output id="o1" name="level"/>
<rule id="r1"><inputEntry id="a1"><text>[1..2]</text></inputEntry><inputEntry id="b1"><text>true</text></inputEntry><outputEntry id="c1"><text>"high"</text></outputEntry></rule>
<rule id="r2"><inputEntry id="a2"><text>not(0, 1)</text></inputEntry><inputEntry id="b2"><text>-</text></inputEntry><outputEntry id="c2"><text>"middle"</text></outputEntry></rule>
<rule id="r3"><inputEntry id="a3"><text>-</text></inputEntry><inputEntry id="b3"><text>-</text></inputEntry><outputEntry id="c3"><text>"low"</text></outputEntry></rule>
</decisionTable></decision></definitions>"""

SHAPES: list[Shape] = [
    shape(
        "sequence",
        """
        s start
        a user @dueDate=P3D @priority=${x} %scope=note_of %summary="'件' + str(x)" %batch=str(x)
        g xor
        b user @candidateGroups=${role}
        c script y = x * 2 | kept = [y, ok]
        e end
        """,
        "s>a>g>[ok]b>c>e; g>[*]c",
        data=YES | {"role": ["office", "ministry"], "note_of": ["u1", None]},
    ),
    shape(
        "loop_back",
        """
        s start
        a user
        g xor
        n script turns = turns + 1
        e end
        """,
        "s>a>g>[ok]e; g>[*]n>a",
        data=YES | {"turns": [0]},
    ),
    shape(
        "parallel",
        """
        s start
        f and
        a user
        b user
        c user
        g xor
        d user
        m xor
        j and
        z user
        e end
        """,
        "s>f>a>j; f>b>g>[ok]d>m; g>[*]m; m>j; f>c>j; j>z>e",
        data=YES,
    ),
    shape(
        "parallel_in_loop",
        """
        s start
        m xor
        f and
        a user
        b user
        x script x = x + 1
        j and
        g xor
        e end
        """,
        "s>m>f>a>x>j; f>b>j; j>g>[ok]e; g>[*]m",
        data=YES,
    ),
    shape(
        "four_splits",
        """
        s start
        f1 and
        m1 xor
        f2 and
        m2 xor
        f3 and
        m3 xor
        f4 and
        m4 xor
        n1 script x = x + 1
        n2 script x = x + 1
        n3 script x = x + 1
        n4 script x = x + 1
        a user
        e end
        """,
        "s>f1>m1; f1>n1>m1; m1>f2>m2; f2>n2>m2; m2>f3>m3; f3>n3>m3; m3>f4>m4; f4>n4>m4; m4>a>e",
        data={"x": [1, 2]},
    ),
    shape(
        "inclusive",
        """
        s start
        f or
        a user
        b user
        b2 user
        c user
        j or
        e end
        """,
        "s>f>[x > 0]a>j; f>[x > 1]b>b2>j; f>[*]c>j; j>e",
        data=YES,
    ),
    shape(
        "inclusive_around_subprocess",
        """
        s start
        f or
        p sub
        q user
        b user
        j or
        z user
        e end
        """,
        "s>f>[x >= 0]p>q>j; f>[x > 1]b>j; j>z>e",
        inner={"p": ("ps start\npa user\npg xor\npe end", "ps>pa>pg>[ok]pe; pg>[*]pa")},
        data=YES,
    ),
    shape(
        "event_gateway",
        """
        s start
        a user
        w events
        t catch-timer P1D
        u catch-timer ${wait}
        m catch-message paid
        g catch-signal closed
        b user
        k xor
        e end
        """,
        "s>a>w>t>b; w>m>b; w>g>b; w>u>b; b>k>[ok]e; k>[*]a",
        data=YES | {"wait": ["PT5H", "P2D", "2026-03-01"]},
    ),
    shape(
        "boundaries",
        """
        s start
        a user
        t boundary-timer a P1D
        r boundary-timer a R3/PT1H non
        m boundary-message a withdraw
        n boundary-message a remark non
        late user
        remind service mail.remind
        told user
        gone user
        e end
        """,
        "s>a>e; t>late>a; r>remind>e; m>gone>e; n>told>e",
        data=YES,
    ),
    shape(
        "subprocess",
        """
        s start
        f and
        p sub
        t boundary-timer p P2D
        w boundary-message p withdraw
        x boundary-error p refused
        n boundary-timer p PT6H non
        u user
        v user
        b user
        r script told = x
        k end
        m xor
        j and
        e end
        """,
        "s>f>p>m; f>b>j; t>u>m; w>u; x>v>m; m>j; n>r>k; j>e",
        inner={
            "p": (
                "ps start\npf and\npa user\npq sub\npj and\npg xor\npe end\npx end-error refused",
                "ps>pf>pa>pj; pf>pq>pj; pj>pg>[ok]pe; pg>[*]px",
            ),
            "pq": ("qs start\nqa user\nqb user\nqt boundary-timer qa PT3H\nqe end", "qs>qa>qe; qt>qb>qe"),
        },
        data=YES,
    ),
    shape(
        "calling",
        """
        s start
        a user
        c call checked
        d call checked <x=${x+1} <ok=${ok} >result=${seen}
        e end
        """,
        "s>a>c>d>e",
        called={
            "checked": (
                "cs start\nca user\ncx script seen = x\ncg xor\ncb user\nce end",
                "cs>ca>cx>cg>[ok]ce; cg>[*]cb>ce",
            )
        },
        data=YES,
    ),
    shape(
        "reviewers",
        """
        s start
        a user
        r user @candidateGroups=${who} *par items:who
        z user
        e end
        """,
        "s>a>r>z>e",
        data=YES | {"items": [["office", "ministry"], ["office"], ["a", "b", "c", "d"], []]},
    ),
    shape(
        "reviewers_until",
        """
        s start
        r user *par 3 until ok
        q user *seq items:item until ok
        t boundary-timer r P1D
        e end
        """,
        "s>r>q>e; t>q",
        data=YES,
    ),
    shape(
        "instances_of_subprocess",
        """
        s start
        p sub *par items:item
        m boundary-message p withdraw
        q sub *seq 2
        z user
        e end
        """,
        "s>p>q>z>e; m>z",
        inner={
            "p": ("ps start\npa user\npx script mine = item\npe end", "ps>pa>px>pe"),
            "q": ("qs start\nqa user\nqb service some.external\nqe end", "qs>qa>qb>qe"),
        },
        data=YES,
    ),
    shape(
        "turns",
        """
        s start
        a user *loop x < 2
        p sub *loop not ok
        e end
        """,
        "s>a>p>e",
        inner={"p": ("ps start\npa user\npe end", "ps>pa>pe")},
        data=YES,
    ),
    shape(
        "waits",
        """
        s start
        t catch-timer PT10M
        x service work.external
        xe boundary-error x refused
        v service topic.inside
        k user @asyncBefore=true
        y script x = x + 1
        n throw-message told
        m catch-message answered
        e end-message done
        """,
        "s>t>x>v>k>y>n>m>e; xe>k",
        data=YES,
    ),
    shape(
        "signals",
        """
        s start
        f and
        a user
        ts throw-signal stop
        b user
        p sub
        bs boundary-signal p stop non
        c user
        d catch-signal stop
        e end
        e2 end-escalation over
        """,
        "s>f>a>ts>e; f>b>d>e; f>p>e; bs>c>e2",
        inner={"p": ("ps start\npa user\npe end", "ps>pa>pe")},
        data=YES,
    ),
    shape(
        "terminated",
        """
        s start
        f and
        a user
        p sub
        g xor
        t end-terminate
        e end
        """,
        "s>f>a>g>[ok]t; g>[*]e; f>p>e",
        inner={"p": ("ps start\npf and\npa user\npb user\npt end-terminate\npe end", "ps>pf>pa>pt; pf>pb>pe")},
        data=YES,
    ),
    shape(
        "escalating",
        """
        s start
        p sub
        b boundary-escalation p late non
        u user
        e end
        """,
        "s>p>e; b>u>e",
        inner={"p": ("ps start\npa user\npt throw-escalation late\npb user\npe end-escalation late", "ps>pa>pt>pb>pe")},
        data=YES,
    ),
    shape(
        "listening",
        """
        s start
        a user
        b user
        h sub event
        k sub event
        e end
        """,
        "s>a>b>e",
        inner={
            "h": ("hs start-message withdraw\nha user\nhe end", "hs>ha>he"),
            "k": ("ks start-timer PT2H non\nkb user\nke end", "ks>kb>ke"),
        },
        data=YES,
    ),
    shape(
        "deciding",
        """
        s start
        a user
        d rule level level
        g xor
        b user
        e end
        """,
        "s>a>d>g>[level == 'low']a; g>[level == 'high']b>e; g>[*]e",
        data=YES,
        extra={"level.dmn": _TABLE},
    ),
    shape(
        "uneven_merge",
        """
        s start
        f and
        a user
        b user
        m xor
        c user
        e end
        """,
        "s>f>a>m; f>b>m; m>c>e",
        data=YES,
    ),
    shape(
        "rescuing",
        """
        s start
        p sub
        b boundary-error p lost
        z user
        y user
        e end
        """,
        "s>p>z>e; b>y>e",
        inner={
            "p": (
                "ps start\npf and\npa user\npg xor\npx end-error lost\npy throw-escalation late\npb user\npe end\nph sub event\npk sub event",
                "ps>pf>pa>pg>[ok]pe; pg>[*]px; pf>py>pb>pe",
            ),
            "ph": ("hs start-error lost\nha user\nhg xor\nhx end-error lost\nhe end", "hs>ha>hg>[ok]he; hg>[*]hx"),
            "pk": ("ks start-escalation late non\nkb user\nke end", "ks>kb>ke"),
        },
        data=YES,
    ),
    shape(
        "reminding",
        """
        s start
        p sub
        e end
        """,
        "s>p>e",
        inner={
            "p": ("ps start\npa user\npb user\npe end\nph sub event\npk sub event", "ps>pa>pb>pe"),
            "ph": ("hs start-timer R3/PT1H non\nha user\nhe end", "hs>ha>he"),
            "pk": ("ks start-signal stop\nkb user\nke end", "ks>kb>ke"),
        },
        data=YES,
    ),
]
