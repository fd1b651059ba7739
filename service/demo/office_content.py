"""Plans of this year and the next, bulletins with their readers, and drafts of each."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from service.demo.invented.actions import Actions
from service.models.db.clock import today
from service.models.tables.accounts.user import User
from service.workflow.notices import bulletins, notices
from service.workflow.training import plans

CLASS_KINDS = {"initial": ("取证班", 48), "refresher": ("再培训班", 16), "renewal": ("换证班", 16)}
PLACES = {"association": "北京", "province-37": "济南", "province-42": "武汉"}
NATIONAL_TEXT = (
    "<p>各省级主管部门、各民爆企业：</p><p>为做好<b>下一年度</b>安全培训工作，现就有关事项通报如下。</p>"
    "<h2>一、抓紧核对到期情况</h2><p>请各单位在“报表—证书预警”中核对 90 天内到期的证书，及时报名换证培训。</p>"
    "<h2>二、按时完成再培训</h2><ul><li>当年取证的人员当年不安排再培训；</li><li>证书过期未参加培训的，须注销后重新取证。</li></ul>"
)
LOCAL_TEXT = "<p>本省各单位：</p><p>请于本月底前核对本单位人员的照片和联系方式，<b>没有照片的不能打印证书</b>。</p>"


class DraftClasses:
    """Classes that their organisers have not published yet."""

    def __init__(self, actions: Actions, last: date) -> None:
        self._actions, self._last = actions, last

    def create(self) -> None:
        """Create a draft of each organiser people sign in as."""
        for n, (organiser, place) in enumerate(PLACES.items()):
            kind = "initial" if organiser == "association" else "refresher"
            self._actions.draft_class(
                organiser, kind, self._last + timedelta(days=45 + 7 * n), place=place, decision="keep"
            )


class OfficeContent:
    """Plans and bulletins, created by the use cases that pages call."""

    def create(self) -> None:
        """Create everything as of now."""
        self._plans()
        self._bulletins()

    def _user(self, login: str) -> User:
        user = User.by_login(login)  # loaded again with its organisation: the session may have expired it
        assert user is not None
        return user

    def _plans(self) -> None:
        present = today().year
        for year, times in ((present, ("m12",)), (present + 1, ("m3", "q2", "m9"))):
            for n, time in enumerate(times, 1):
                self._plan("association", "initial", year, n, time)
                self._plan("province-37", "renewal" if n % 2 else "refresher", year, n, time)
                self._plan("province-42", "refresher" if n % 2 else "renewal", year, n, time)
        self._plan("province-37", "renewal", today().year + 1, 4, "", publish=False)

    def _plan(self, login: str, kind: str, year: int, n: int, time: str, *, publish: bool = True) -> None:
        (word, hours), user, place = CLASS_KINDS[kind], self._user(login), PLACES[login]
        entry = {
            "title": f"{year}年第{n}期{word}（{place}）",
            "kind": kind,
            "year": str(year),
            "time": time,
            "place": place,
            "capacity": "120",
            "hours": str(hours),
        }
        plan = plans.save_plan(user, entry)
        if publish:
            plans.publish_plan(user, plan.id)

    def _bulletins(self) -> None:
        year = today().year + 1
        national = self._publish("association", f"关于做好{year}年度安全培训工作的通报", NATIONAL_TEXT)
        local = self._publish("province-37", "关于核对人员照片和联系方式的通报", LOCAL_TEXT, ["enterprise", "group"])
        for login in ("province-37", "province-42", "institution-1", "group-1", "enterprise-1"):
            notices.read_notice(self._user(login), national)
        notices.read_notice(self._user("enterprise-1"), local)
        draft = {"title": "关于换证报名安排的通报（草稿）", "body": LOCAL_TEXT, "markup": "1"}
        bulletins.save_bulletin(self._user("province-37"), draft)

    def _publish(self, login: str, title: str, body: str, roles: list[str] | None = None) -> UUID:
        user = self._user(login)
        row = bulletins.save_bulletin(user, {"title": title, "body": body, "markup": "1", "roles": roles})
        return bulletins.publish_bulletin(user, row.id).id
